internal import ControlPlane
internal import Hummingbird
internal import VastAPI

/// `/api/v0/secrets/`: environment variables that the account gives to each instance it makes (contract 7.3).
struct SecretRoutes: Sendable {
    let access: EnvironmentAccess

    @Sendable func list(_ request: Request, _ context: APIContext) async throws -> Response {
        try .json(SecretsReply(names: try await access.names(of: context.requirePrincipal())))
    }

    @Sendable func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(SecretsRequest.self, upTo: 262_144)
        let isList = body.envVars.map { $0 != .null } ?? false
        _ = try await access.set(
            isList ? body.list : [body.single], areThere: false, as: principal)
        return try .json(
            PlainReply(
                msg: isList
                    ? "Environment variables processed successfully"
                    : "Environment variable added successfully"))
    }

    @Sendable func update(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(SecretsRequest.self, upTo: 65_536)
        guard try await access.set([body.single], areThere: true, as: principal) else {
            throw WireError.noVariable
        }
        return try .json(PlainReply(msg: "Environment variable updated successfully"))
    }

    @Sendable func delete(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(SecretsRequest.self, upTo: 65_536)
        guard let name = body.key?.string else {
            throw WireError.badRequest("invalid_args", "'key' required.")
        }
        guard try await access.remove(name, as: principal) else { throw WireError.noVariable }
        return try .json(PlainReply(msg: "Environment variable deleted successfully"))
    }
}

extension SecretsRequest {
    fileprivate var single: (name: String, value: String) {
        get throws {
            guard let name = key?.string, let value = value?.string else {
                throw WireError.badRequest("invalid_args", "Both 'key' and 'value' are required.")
            }
            return (name, value)
        }
    }

    fileprivate var list: [(name: String, value: String)] {
        get throws {
            guard let items = envVars?.array, !items.isEmpty else {
                throw WireError.badRequest("invalid_args", "Input must be a list")
            }
            return try items.map { item in
                let object = item.object ?? [:]
                return try SecretsRequest(key: object["key"], value: object["value"]).single
            }
        }
    }
}

extension WireError {
    fileprivate static let noVariable = badRequest(
        "invalid_args", "Environment variable not found")
}
