internal import ControlPlane
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import VastAPI

/// Turns what routes throw into the wire's errors.
///
/// A failure that nobody foresaw is logged in full and told as nothing but that.
struct ErrorMiddleware: RouterMiddleware {
    typealias Context = APIContext

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            if let route = context.endpointPath,
                let error = UpstreamRoutes.answer(to: request, takenBy: route)
            {
                throw error
            }
            return try await next(request, context)
        } catch let error as WireError {
            return try error.response()
        } catch let error as ControlPlaneError {
            return try WireError(error).response()
        } catch let error as HTTPError where error.status == .notFound {
            return try UpstreamRoutes.answer(to: request).response()
        } catch let error as HTTPError {
            return try WireError(
                status: error.status,
                reply: ErrorReply(error: "invalid_request", msg: error.body ?? "\(error.status)")
            ).response()
        } catch {
            context.logger.error(
                "unexpected failure", metadata: ["error": "\(String(reflecting: error))"])
            return try WireError.unexpected.response()
        }
    }
}
