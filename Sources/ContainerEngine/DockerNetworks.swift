internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1

/// A network of an engine's, as far as it says who reaches whom.
package struct EngineNetwork: Sendable, Hashable {
    package var name: String
    package var driver: String
    package var options: [String: String]
    package var labels: [String: String]

    package init(
        name: String, driver: String = "bridge", options: [String: String] = [:],
        labels: [String: String] = [:]
    ) {
        self.name = name
        self.driver = driver
        self.options = options
        self.labels = labels
    }

    /// Docker's option of a bridge: whether containers on it reach each other.
    package static let connects = "com.docker.network.bridge.enable_icc"
    /// Docker's option of a bridge: what its interface on the host is called.
    package static let interface = "com.docker.network.bridge.name"

    /// Whether containers on it do not reach each other but by ports that are mapped.
    package var keepsApart: Bool { driver == "bridge" && options[Self.connects] == "false" }
}

extension DockerEngine {
    package func network(_ name: String) async throws -> EngineNetwork? {
        let reply: InspectedNetwork? = try await get(
            "/networks/\(Self.queryValue(name.utf8))", timeout: .seconds(30))
        // The engine also takes the beginning of an id for a name.
        guard let reply, reply.name == name else { return nil }
        return EngineNetwork(
            name: reply.name, driver: reply.driver ?? "", options: reply.options ?? [:],
            labels: reply.labels ?? [:])
    }

    package func makeNetwork(_ network: EngineNetwork) async throws {
        let response = try await execute(
            .POST, "/networks/create", json: try JSONEncoder().encode(NetworkWish(network)),
            deadline: .now() + .seconds(60))
        let message = try await message(of: response)
        if response.status == .conflict { throw EngineError(.nameTaken, message) }
        guard response.status == .created || response.status == .ok else {
            throw EngineError(.refused, message)
        }
    }

    package func connect(_ id: Container.ID, to network: String) async throws {
        let response = try await execute(
            .POST, "/networks/\(Self.queryValue(network.utf8))/connect",
            json: try JSONEncoder().encode(["Container": id]), deadline: .now() + .seconds(60))
        let message = try await message(of: response)
        guard response.status == .ok else { throw EngineError(.refused, message) }
    }
}

private struct NetworkWish: Encodable {
    var name: String
    var driver: String
    var options: [String: String]
    var labels: [String: String]
    /// Older engines make a second one of the same name otherwise.
    var refusesDuplicates = true

    init(_ network: EngineNetwork) {
        name = network.name
        driver = network.driver
        options = network.options
        labels = network.labels
    }

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case driver = "Driver"
        case options = "Options"
        case labels = "Labels"
        case refusesDuplicates = "CheckDuplicate"
    }
}

private struct InspectedNetwork: Decodable, Sendable {
    var name: String
    var driver: String?
    var options: [String: String]?
    var labels: [String: String]?

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case driver = "Driver"
        case options = "Options"
        case labels = "Labels"
    }
}
