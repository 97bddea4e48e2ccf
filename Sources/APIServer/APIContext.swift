internal import ControlPlane
package import Hummingbird
internal import NIOCore

/// What a request carries on its way to its route.
package struct APIContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Where the connection comes from; empty when that is not known.
    let remoteAddress: String
    let channel: any Channel
    /// Set by `AuthenticationMiddleware`; routes behind it may rely on it.
    var principal: Principal?
    /// The id in the path that `PermissionMiddleware` hid from the route, if it did.
    var hiddenID: Int64?
    /// Set by `MachineMiddleware`, for agents.
    var machine: Machine?

    package init(source: Source) {
        coreContext = .init(source: source)
        channel = source.channel
        remoteAddress = source.channel.remoteAddress?.ipAddress ?? ""
    }

    /// Who asks.
    ///
    /// - Throws: ``ControlPlaneError/Code/unauthenticated`` on a route that forgot its middleware.
    func requirePrincipal() throws -> Principal {
        guard let principal else { throw ControlPlaneError(.unauthenticated, "Invalid user key") }
        return principal
    }

    /// Which machine asks.
    func requireMachine() throws -> Machine {
        guard let machine else {
            throw ControlPlaneError(.unauthenticated, "Invalid machine token")
        }
        return machine
    }
}
