internal import ControlPlane
internal import HTTPTypes
internal import Hummingbird

/// Finds out who asks, before anything of the request but its head is looked at.
///
/// The key comes as `Authorization: Bearer K` or as `?api_key=K`; old clients send the second, and some
/// versions both (contract 0.2). The header decides when both are there.
struct AuthenticationMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let authenticator: Authenticator
    let addresses: AccountAddresses
    let failedLogins: FailedLogins

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        do {
            var principal = try await authenticator.principal(
                key: request.apiKey)
            principal.address = context.remoteAddress.isEmpty ? nil : context.remoteAddress
            context.principal = principal
            await addresses.note(context.remoteAddress, account: principal.account.id)
        } catch let error as ControlPlaneError where error.code == .unauthenticated {
            try failedLogins.note(from: context.remoteAddress)
            throw error
        }
        return try await next(request, context)
    }
}

/// Refuses a key that is none where no key is needed (contract 5): whoever sends one must learn that it is wrong.
struct GivenKeyMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let authenticator: Authenticator
    let failedLogins: FailedLogins

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        if let key = request.apiKey, !key.isEmpty {
            do {
                _ = try await authenticator.principal(key: key)
            } catch let error as ControlPlaneError where error.code == .unauthenticated {
                try failedLogins.note(from: context.remoteAddress)
                throw error
            }
        }
        return try await next(request, context)
    }
}

/// Finds out which machine asks.
struct MachineMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let gateway: AgentGateway
    let failedLogins: FailedLogins

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        do {
            context.machine = try await gateway.machine(token: request.bearerToken ?? "")
        } catch let error as ControlPlaneError where error.code == .unauthenticated {
            try failedLogins.note(from: context.remoteAddress)
            throw error
        }
        return try await next(request, context)
    }
}

extension Request {
    /// The token of the one `Authorization: Bearer` header; nil when there is none, or another scheme.
    var bearerToken: String? {
        guard let value = headers[.authorization] else { return nil }
        let prefix = "bearer "
        guard value.utf8.count > prefix.utf8.count,
            value.prefix(prefix.count).lowercased() == prefix
        else { return nil }
        return String(value.dropFirst(prefix.count))
    }

    /// The key of an account, wherever it stands.
    var apiKey: String? { bearerToken ?? QueryParameters(uri)["api_key"] }
}
