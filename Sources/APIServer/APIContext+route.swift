internal import ControlPlane
internal import Hummingbird

extension APIContext {
    /// By which route the request came, as the audit log names it.
    ///
    /// - Throws: ``ControlPlaneError/Code/notAuthorized`` on one that is not behind `PermissionMiddleware`.
    func accountRoute(of request: Request) throws -> AccountRoute {
        guard
            let route = AccountRoute.route(
                method: request.method.rawValue, path: endpointPath ?? "")
        else { throw ControlPlaneError(.notAuthorized, "No key may use this route") }
        return route
    }
}
