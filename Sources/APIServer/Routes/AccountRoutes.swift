internal import ControlPlane
internal import HTTPTypes
internal import Hummingbird
internal import VastAPI

/// `GET /api/v0/users/current` (contract 7.3).
struct CurrentUserRoute: Sendable {
    let sshKeys: SSHKeyAccess

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let newest = try await sshKeys.keys(of: principal).last
        return try .json(
            UserReply(
                id: principal.account.id, keyID: principal.keyID,
                username: principal.account.name, sshKey: newest?.key.line ?? ""))
    }
}

/// `GET /api/v0/users/me/ipaddrs`: from where the account's keys were used (contract 7.3).
struct AddressRoute: Sendable {
    let addresses: AccountAddresses

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let rows = try await addresses.addresses(of: principal).map { seen in
            AddressRow(
                userID: principal.account.id, address: seen.address,
                firstSeen: WireTime.text(seen.firstSeen))
        }
        return try .json(AddressListReply(results: rows))
    }
}

/// `PUT /api/v0/commands/reset_apikey/`: another secret for the key that asks (contract 7.1).
struct ResetKeyRoute: Sendable {
    let access: KeyAccess

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let secret = try await access.reset(
            context.requirePrincipal(), key: request.apiKey ?? "")
        return try .json(ResetKeyReply(newAPIKey: secret.text))
    }
}
