internal import ControlPlane
internal import Hummingbird
internal import VastAPI

/// `PUT` and `DELETE /api/v0/commands/copy_direct/` and `…/rsync/`: `vastai copy` (contract 9).
///
/// Clients choose the path by how the caller's own side is written, as `local:` or as a bare path; what is to be done
/// is the same. They then run rsync, as the user `vastai_kaalia` of the instance's SSH, with the id that they sent
/// as the name of its module (docs/ssh.md).
struct CopyRoutes: Sendable {
    let access: CopyAccess
    let begin: AccountRoute

    @Sendable func put(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(CopyRequest.self, upTo: 65_536)
        let source = try CopyPlace(body.sourceID, "src_id")
        let destination = try CopyPlace(body.destinationID, "dst_id")
        let sourcePath = try Self.path(body.sourcePath, "src_path")
        let destinationPath = try Self.path(body.destinationPath, "dst_path")
        switch (source, destination) {
        case (.elsewhere, _), (_, .elsewhere):
            throw Self.notImplemented("copies to or from cloud storage or volumes")
        case (.instance, .instance):
            throw Self.notImplemented(
                "copies between instances; copy to your own machine first (local:PATH), and from there"
            )
        case (.local, .local):
            throw WireError.badRequest(
                "invalid_args",
                "One side of a copy is an instance, such as 42:/workspace/, and the other one local."
            )
        case (.local, .instance(let id)):
            let address = try await address(.upload, id, destinationPath, principal)
            var reply = CopyReply(msg: Self.message)
            reply.destinationAddress = address.host
            reply.destinationPort = address.port
            return try .json(reply)
        case (.instance(let id), .local):
            let address = try await address(.download, id, sourcePath, principal)
            var reply = CopyReply(msg: Self.message)
            reply.sourceAddress = address.host
            reply.sourcePort = address.port
            return try .json(reply)
        }
    }

    /// Upstream's 200 that is none: its clients show the message.
    ///
    /// They send the whole place, as it was typed.
    @Sendable func delete(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(CopyRequest.self, upTo: 65_536)
        let place = body.destinationID?.string.map { text in
            JSONValue.string(String(text.prefix { $0 != ":" }))
        }
        guard case .instance(let id) = try CopyPlace(place ?? body.destinationID, "dst_id") else {
            throw WireError.badRequest("invalid_args", "dst_id is the id of an instance.")
        }
        _ = try await access.instance(id, as: principal)
        return try .json(
            CopyReply(
                success: false,
                msg:
                    "Nothing to cancel: a copy is carried by the client that began it, and ends with it."
            ))
    }

    private func address(
        _ direction: CopyAccess.Direction, _ id: Instance.ID, _ path: String,
        _ principal: Principal
    ) async throws -> CopyAccess.Address {
        var address = try await access.begin(
            direction, id, path: path, as: principal, through: begin)
        // Of an address with colons rsync would take the first as the end (rsync(1)).
        if address.host.contains(":") { address.host = "[\(address.host)]" }
        return address
    }

    /// As long as the kernel takes them (PATH_MAX), because they are written down.
    private static func path(_ value: JSONValue?, _ name: String) throws -> String {
        switch value {
        case nil, .null?: return ""
        case .string(let text)? where text.utf8.count <= 4096: return text
        default:
            throw WireError.badRequest(
                "invalid_args", "\(name) is a path of at most 4096 bytes.")
        }
    }

    private static let message =
        "Copied by rsync over the instance's SSH, which the client runs; log in with one of the instance's keys."

    private static func notImplemented(_ what: String) -> WireError {
        WireError(
            status: .notImplemented,
            reply: ErrorReply(
                error: "not_implemented", msg: "Boathook does not do this: it has no \(what)."))
    }
}

/// One side of a copy, as the clients write it (contract 9).
private enum CopyPlace {
    /// The caller's own machine.
    case local
    case instance(Instance.ID)
    /// Cloud storage, such as `s3.101`, or a volume, such as `V.7`.
    case elsewhere

    init(_ value: JSONValue?, _ name: String) throws {
        switch value {
        case nil, .null?, .string("local")?: self = .local
        case .int(let id)? where id > 0: self = .instance(id)
        case .string(let text)? where !text.isEmpty:
            let number = text.hasPrefix("C.") ? text.dropFirst(2) : text[...]
            if let id = Int64(canonical: number) {
                self = .instance(id)
            } else if number.startIndex == text.startIndex, text.first?.isLetter == true {
                self = .elsewhere
            } else {
                throw Self.invalid(name)
            }
        default: throw Self.invalid(name)
        }
    }

    private static func invalid(_ name: String) -> WireError {
        .badRequest(
            "invalid_args", "\(name) is an instance's id, such as 42 or C.42, or local, or null.")
    }
}
