internal import ControlPlane
internal import HTTPTypes
internal import Hummingbird

/// Lets a request through if its key may use the route, before anything of the body is looked at.
///
/// What the key may do came with the key itself, so nothing is read here. A route that ``AccountRoute`` does
/// not name is open to nobody.
struct PermissionMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let execute: ExecuteCommand
    let limiter: RateLimiter<APIKey.ID>

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let principal = try context.requirePrincipal()
        guard
            let route = AccountRoute.route(
                method: request.method.rawValue, path: context.endpointPath ?? "")
        else {
            throw ControlPlaneError(.notAuthorized, "No key may use this route")
        }
        let id = context.parameters.get("id").flatMap { Int64(canonical: $0) }
        switch principal.scope.answer(on: route, id: id) {
        case .open:
            return try await next(request, context)
        case .closed(let reason):
            let error = ControlPlaneError(.notAuthorized, reason)
            if route.isOrder {
                // An order that is refused is written down, whoever refuses it; and no oftener than others.
                try limiter.admit(principal.keyID)
                try await execute.noteRefusal(error, on: id, as: principal)
            }
            throw error
        case .absent:
            // The route itself answers, as for any id that nothing has: no status, no order of checks and no
            // byte tells the one from the other.
            var context = context
            context.hiddenID = id
            context.coreContext.parameters["id"] = Self.absentID
            return try await next(request, context)
        }
    }

    /// Ids count up from 1 and never get there.
    private static let absentID = Substring(String(Int64.max))
}
