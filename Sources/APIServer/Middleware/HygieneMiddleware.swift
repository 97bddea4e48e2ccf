internal import HTTPTypes
internal import Hummingbird

/// Refuses heads that two readers may read differently, and says to browsers that nothing here is a page.
///
/// A proxy and this server must not disagree on who asks or whom for: one `Host`, at most one `Authorization`
/// (security.md, X14). Answers are data: no browser is to frame them, sniff them or run anything in them, and no
/// cache is to keep what a key was needed for.
struct HygieneMiddleware: RouterMiddleware {
    typealias Context = APIContext

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response =
            if let objection = Self.objection(to: request) {
                try WireError.badRequest("invalid_request", objection).response()
            } else {
                try await next(request, context)
            }
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        response.headers[.referrerPolicy] = "no-referrer"
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        if request.method == .head { response.body = Self.unwritten(response.body) }
        return response
    }

    /// The end of an answer whose bytes nobody asked for.
    ///
    /// A byte before it would be read as the beginning of the connection's next answer, and without it there is none.
    private static func unwritten(_ body: ResponseBody) -> ResponseBody {
        ResponseBody(contentLength: body.contentLength ?? 0) { try await $0.finish(nil) }
    }

    private static func objection(to request: Request) -> String? {
        // The first Host became the request's authority; a second one is still a field.
        guard let authority = request.head.authority, !authority.isEmpty,
            request.headers[.host] == nil
        else { return "A request has exactly one Host header." }
        return request.headers[values: .authorization].count > 1
            ? "A request has at most one Authorization header." : nil
    }
}
