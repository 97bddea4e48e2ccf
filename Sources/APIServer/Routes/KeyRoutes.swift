internal import ControlPlane
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import VastAPI

/// `GET /api/v0/auth/apikeys/`: the account's keys, without the keys (contract 7.1).
struct KeyListRoute: Sendable {
    let access: KeyAccess

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let keys = try await access.keys(of: context.requirePrincipal())
        return try .json(KeyListReply(apikeys: keys.map { try KeyRow($0) }))
    }
}

/// `GET /api/v0/auth/apikeys/{id}/`.
struct KeyRoute: Sendable {
    let access: KeyAccess

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        guard let key = try await access.key(context.keyID(), as: principal) else {
            throw WireError.noKey
        }
        return try .json(KeyRow(key))
    }
}

/// `POST /api/v0/auth/apikeys/`: a new key of the account, with no more than the one that asks has.
struct CreateKeyRoute: Sendable {
    let access: KeyAccess

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(CreateKeyRequest.self, upTo: 65_536)
        guard let name = body.name?.string, (1...255).contains(name.unicodeScalars.count) else {
            throw WireError.badRequest(
                "invalid_args", "name must be a string of 1 to 255 characters.")
        }
        let made = try await access.make(body.permissionFile, name: name, as: principal)
        return try .json(
            CreateKeyReply(
                id: made.key.id, key: made.secret.text,
                permissions: WireJSON.value(made.key.scope), expiresAt: made.key.expiresAt))
    }
}

/// `DELETE /api/v0/auth/apikeys/{id}/`: the key is useless from its next request on.
struct DeleteKeyRoute: Sendable {
    let access: KeyAccess

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        guard try await access.revoke(context.keyID(), as: principal) else {
            throw WireError.noKey
        }
        return try .json(KeyListReply.deleted)
    }
}

extension CreateKeyRequest {
    fileprivate var permissionFile: PermissionFile {
        get throws {
            guard let permissions, permissions != .null else {
                throw WireError.badRequest(
                    "missing_permissions",
                    "Send permissions, such as {\"api\": {\"instance_read\": {}}}.")
            }
            do throws(InvalidPermissions) {
                return try PermissionFile(
                    json: Self.json(of: permissions), parameters: try parameters)
            } catch {
                throw WireError.badRequest("invalid_permissions", error.description)
            }
        }
    }

    private var parameters: [String: Int64] {
        get throws(InvalidPermissions) {
            guard let keyParams, keyParams != .null else { return [:] }
            var value = keyParams
            if let text = keyParams.string {
                guard StrictJSON.isUnambiguous(text.utf8),
                    let decoded = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
                else { throw Self.invalidParameters }
                value = decoded
            }
            guard let object = value.object else { throw Self.invalidParameters }
            var parameters: [String: Int64] = [:]
            for (name, value) in object {
                guard case .int(let id) = value else { throw Self.invalidParameters }
                parameters[name] = id
            }
            return parameters
        }
    }

    private static let invalidParameters = InvalidPermissions(
        "key_params is a JSON object of whole numbers.")

    private static func json(of value: JSONValue) throws(InvalidPermissions) -> Data {
        do {
            return try JSONEncoder().encode(value)
        } catch {
            throw InvalidPermissions("Permissions are a JSON object.")
        }
    }
}

extension KeyRow {
    fileprivate init(_ key: APIKey) throws {
        self.init(
            id: key.id, userID: key.accountID, name: key.name,
            permissions: try WireJSON.value(key.scope), expiresAt: key.expiresAt)
    }
}

extension APIContext {
    /// The key id of the path; one that is no id names nothing.
    fileprivate func keyID() throws -> APIKey.ID {
        guard let text = parameters.get("id"), let id = Int64(canonical: text) else {
            throw WireError.noKey
        }
        return id
    }
}

extension WireError {
    fileprivate static let noKey = WireError(
        status: .notFound, reply: .init(error: "not_found", msg: "API key not found."))
}
