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
        return response
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
