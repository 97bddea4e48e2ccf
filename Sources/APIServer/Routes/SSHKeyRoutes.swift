internal import ControlPlane
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import VastAPI

/// `/api/v0/ssh/`: keys that log in to all of the account's instances (contract 6).
struct SSHKeyRoutes: Sendable {
    let access: SSHKeyAccess

    /// A bare array, as upstream answers.
    @Sendable func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let keys = try await access.keys(of: context.requirePrincipal())
        return try .json(keys.map { SSHKeyRow($0) })
    }

    @Sendable func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(SSHKeyRequest.self, upTo: 65_536)
        let key = try await access.add(body.publicKey, as: principal)
        return try .json(SSHKeyReply(key: SSHKeyRow(key)))
    }

    /// The id is that of the path; upstream's clients send it in the body, too.
    @Sendable func update(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(SSHKeyRequest.self, upTo: 65_536)
        let key = try body.publicKey
        let replaced = try await access.replace(
            context.sshKeyID("id") ?? 0, with: key, as: principal)
        return try .json(SSHKeyReply(key: SSHKeyRow(replaced)))
    }

    @Sendable func delete(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        guard try await access.remove(context.sshKeyID("id") ?? 0, as: principal) else {
            throw WireError.badRequest("no_ssh_key", "The SSH key does not exist on this account")
        }
        return try .json(PlainReply())
    }
}

/// `/api/v0/instances/{id}/ssh/`: who logs in to one instance (contract 6).
struct InstanceSSHKeyRoutes: Sendable {
    let access: SSHKeyAccess

    @Sendable func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let id = try context.instanceID()
        return try await Self.naming(id) {
            let keys = try await access.keys(of: id, as: principal)
            return InstanceSSHKeyReply(sshKeys: try Self.text(keys.map { SSHKeyRow($0) }))
        }
    }

    @Sendable func attach(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(SSHKeyRequest.self, upTo: 65_536)
        let key = try body.publicKey
        // The body's word is the last, as at upstream; whether the key may do that there is asked for that one.
        let id = try body.instance ?? context.instanceID()
        return try await Self.naming(id) {
            guard let attached = try await access.attach(key, to: id, as: principal) else {
                return InstanceSSHKeyReply(
                    success: false, msg: "SSH key already associated with instance.")
            }
            return InstanceSSHKeyReply(
                msg: "SSH key added to instance.", key: try Self.text(SSHKeyRow(attached)))
        }
    }

    @Sendable func detach(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let id = try context.instanceID()
        let key = context.sshKeyID("key") ?? 0
        return try await Self.naming(id) {
            guard try await access.detach(key, from: id, as: principal) else {
                throw WireError(
                    status: .notFound,
                    reply: .init(error: "no_such_ssh_key", msg: "SSH key not found."))
            }
            return InstanceSSHKeyReply(msg: "SSH key removed from instance.")
        }
    }

    private static func naming(
        _ id: Instance.ID, _ body: () async throws -> InstanceSSHKeyReply
    ) async throws -> Response {
        do {
            return try .json(try await body())
        } catch let error as ControlPlaneError where error.code == .instanceNotFound {
            throw WireError(
                status: .notFound, reply: .init(error: "no_such_instance", msg: error.message))
        }
    }

    private static func text(_ value: some Encodable) throws -> String {
        String(buffer: try WireJSON.encode(value))
    }
}

extension SSHKeyRequest {
    fileprivate var publicKey: SSHPublicKey {
        get throws {
            guard let text = sshKey?.string, !text.isEmpty else {
                throw WireError.badRequest("no_ssh_key", "No ssh key provided")
            }
            do throws(InvalidSSHKey) {
                return try SSHPublicKey(text: text)
            } catch {
                throw WireError.badRequest("invalid_args", error.description)
            }
        }
    }

    /// The instance that the body names, if it names one.
    fileprivate var instance: Instance.ID? {
        get throws {
            switch instanceID {
            case nil, .null?: return nil
            case .int(let id)?: return id
            case .string(let text)?:
                guard let id = Int64(canonical: text[...]) else {
                    throw WireError.invalidInstanceID
                }
                return id
            default: throw WireError.invalidInstanceID
            }
        }
    }
}

extension SSHKeyRow {
    fileprivate init(_ key: SSHKey) {
        self.init(
            id: key.id, userID: key.accountID, publicKey: key.key.line,
            createdAt: WireTime.text(key.createdAt))
    }
}

extension APIContext {
    /// The id of a key in the path; nil when it is none: that names nothing.
    fileprivate func sshKeyID(_ name: String) -> SSHKey.ID? {
        parameters.get(name).flatMap { Int64(canonical: $0) }
    }
}

/// Moments as upstream writes most of them: `2026-11-25T18:38:09Z`.
enum WireTime {
    static func text(_ time: Double) -> String {
        Date(timeIntervalSince1970: time.rounded(.down)).formatted(.iso8601)
    }
}
