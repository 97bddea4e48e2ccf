internal import HTTPTypes
internal import Hummingbird
internal import Logging

/// One line for each request.
///
/// The query is left out, because old clients put their key there, and so is the secret in a
/// result's path.
struct AccessLogMiddleware: RouterMiddleware {
    typealias Context = APIContext

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let started = ContinuousClock.now
        let response = try await next(request, context)
        context.logger.info(
            "request",
            metadata: [
                "http.method": "\(request.method)",
                "http.route": "\(context.endpointPath ?? "none")",
                "http.status": "\(response.status.code)",
                "http.milliseconds": "\((ContinuousClock.now - started) / .milliseconds(1))",
            ])
        return response
    }
}
