internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1

extension DockerEngine {
    package func makeVolume(_ name: String, labels: [String: String]) async throws {
        let response = try await execute(
            .POST, "/volumes/create",
            json: try JSONEncoder().encode(VolumeWish(name: name, labels: labels)),
            deadline: .now() + .seconds(60))
        // One that is there already, with a body alike.
        guard response.status == .created || response.status == .ok else {
            let message = try await message(of: response)
            throw EngineError(
                response.status == .badRequest ? .impossible : .refused, message)
        }
        _ = try await response.body.collect(upTo: 1 << 20)
    }

    package func volumes(labels: [String: String]) async throws -> [String] {
        let wanted = labels.map { "\($0.key)=\($0.value)" }
        let reply: VolumeList? = try await get(
            "/volumes?\(Self.filters(["label": wanted]).dropFirst())", timeout: .seconds(60))
        // Docker gives those that carry all labels, Podman those that carry one (seen with 4.3.1).
        return (reply?.volumes ?? []).filter { volume in
            labels.allSatisfy { volume.labels?[$0.key] == $0.value }
        }.map(\.name)
    }

    package func removeVolume(_ name: String) async throws {
        let response = try await execute(
            .DELETE, "/volumes/\(Self.queryValue(name.utf8))", deadline: .now() + .minutes(5))
        let message = try await message(of: response)
        guard [.noContent, .ok, .notFound].contains(response.status) else {
            throw EngineError(.refused, message)
        }
    }
}

private struct VolumeWish: Encodable {
    var name: String
    var labels: [String: String]

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case labels = "Labels"
    }
}

private struct VolumeList: Decodable, Sendable {
    struct Volume: Decodable, Sendable {
        var name: String
        var labels: [String: String]?

        enum CodingKeys: String, CodingKey {
            case name = "Name"
            case labels = "Labels"
        }
    }

    var volumes: [Volume]?

    enum CodingKeys: String, CodingKey { case volumes = "Volumes" }
}
