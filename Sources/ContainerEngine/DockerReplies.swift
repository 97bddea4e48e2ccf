internal import FoundationEssentials

// What the Docker Engine API answers, as far as we read it (its reference, version 1.41; Podman's
// compatible service answers in the same shapes). Names are the API's.

struct VersionReply: Decodable, Sendable {
    struct Component: Decodable, Sendable {
        var name: String
        enum CodingKeys: String, CodingKey { case name = "Name" }
    }

    var version: String?
    var components: [Component]?

    /// Such as `Docker 20.10.24`.
    var name: String { "\(isPodman ? "Podman" : "Docker") \(version ?? "unknown")" }

    /// Podman names itself as a component of the engine that it stands in for.
    var isPodman: Bool { components?.contains { $0.name == "Podman Engine" } ?? false }

    enum CodingKeys: String, CodingKey {
        case version = "Version"
        case components = "Components"
    }
}

struct EngineFacts: Decodable, Sendable {
    var dataRoot: String?
    var hostname: String?

    enum CodingKeys: String, CodingKey {
        case dataRoot = "DockerRootDir"
        case hostname = "Name"
    }
}

struct ListedNetwork: Decodable, Sendable {
    var name: String
    enum CodingKeys: String, CodingKey { case name = "Name" }
}

struct EngineMessage: Decodable, Sendable {
    var message: String
}

struct ListedContainer: Decodable, Sendable {
    var id: String
    var names: [String]?
    var image: String?
    var labels: [String: String]?
    var status: String?
    var created: Double?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case names = "Names"
        case image = "Image"
        case labels = "Labels"
        case status = "State"
        case created = "Created"
    }

    var container: Container {
        let name = names?.first ?? ""
        return Container(
            id: id, name: name.hasPrefix("/") ? String(name.dropFirst()) : name,
            image: image ?? "", labels: labels ?? [:], environment: [], status: status ?? "",
            processID: 0, failure: "", createdAt: created ?? 0, startedAt: nil,
            storage: .unsupported(driver: "not asked"), mounts: [])
    }
}

/// A line of `/events`.
///
/// Docker writes `status` and `id` for containers; newer ones and Podman have the same in `Action`
/// and `Actor`.
struct EngineEvent: Decodable, Sendable {
    struct Actor: Decodable, Sendable {
        var id: String?
        enum CodingKeys: String, CodingKey { case id = "ID" }
    }

    var action: String?
    var actor: Actor?
    var status: String?
    var id: String?

    enum CodingKeys: String, CodingKey {
        case status, id
        case action = "Action"
        case actor = "Actor"
    }

    var containerEvent: ContainerEvent? {
        guard let id = actor?.id ?? id, let action = action ?? status else { return nil }
        return ContainerEvent(containerID: id, action: action)
    }
}

struct InspectedContainer: Decodable, Sendable {
    struct State: Decodable, Sendable {
        var status: String
        var pid: Int32
        var error: String?
        var startedAt: String?
        var exitCode: Int?
        var wasOutOfMemory: Bool?

        enum CodingKeys: String, CodingKey {
            case status = "Status"
            case pid = "Pid"
            case error = "Error"
            case startedAt = "StartedAt"
            case exitCode = "ExitCode"
            case wasOutOfMemory = "OOMKilled"
        }

        /// The engines say 0 of what has not ended, too.
        var end: Container.End? {
            guard ["exited", "stopped", "dead"].contains(status), let exitCode else { return nil }
            return Container.End(code: exitCode, wasOutOfMemory: wasOutOfMemory ?? false)
        }
    }

    struct Config: Decodable, Sendable {
        var image: String?
        var labels: [String: String]?
        var environment: [String]?
        var hasTerminal: Bool?

        enum CodingKeys: String, CodingKey {
            case image = "Image"
            case labels = "Labels"
            case environment = "Env"
            case hasTerminal = "Tty"
        }
    }

    struct Network: Decodable, Sendable {
        struct Binding: Decodable, Sendable {
            var address: String?
            var port: String?

            enum CodingKeys: String, CodingKey {
                case address = "HostIp"
                case port = "HostPort"
            }
        }

        /// Null for a port that the image names and nobody mapped.
        var ports: [String: [Binding]?]?

        enum CodingKeys: String, CodingKey { case ports = "Ports" }
    }

    struct HostConfig: Decodable, Sendable {
        var hasReadOnlyRoot: Bool?

        enum CodingKeys: String, CodingKey { case hasReadOnlyRoot = "ReadonlyRootfs" }
    }

    struct GraphDriver: Decodable, Sendable {
        var name: String
        var data: [String: String]?

        enum CodingKeys: String, CodingKey {
            case name = "Name"
            case data = "Data"
        }
    }

    struct Mount: Decodable, Sendable {
        var kind: String?
        var source: String?
        var destination: String
        var isWritable: Bool?

        enum CodingKeys: String, CodingKey {
            case kind = "Type"
            case source = "Source"
            case destination = "Destination"
            case isWritable = "RW"
        }
    }

    var id: String
    var name: String
    var created: String?
    var state: State
    var config: Config?
    var hostConfig: HostConfig?
    var graphDriver: GraphDriver?
    var mounts: [Mount]?
    var network: Network?

    enum CodingKeys: String, CodingKey {
        case network = "NetworkSettings"
        case id = "Id"
        case name = "Name"
        case created = "Created"
        case state = "State"
        case config = "Config"
        case hostConfig = "HostConfig"
        case graphDriver = "GraphDriver"
        case mounts = "Mounts"
    }
}

extension InspectedContainer {
    var container: Container {
        Container(
            id: id, name: name.hasPrefix("/") ? String(name.dropFirst()) : name,
            image: config?.image ?? "", labels: config?.labels ?? [:],
            environment: config?.environment ?? [], status: state.status,
            processID: state.pid, failure: state.error ?? "", end: state.end,
            createdAt: created.flatMap(EngineTime.seconds) ?? 0,
            startedAt: state.startedAt.flatMap(EngineTime.seconds),
            hasReadOnlyRoot: hostConfig?.hasReadOnlyRoot ?? false, storage: storage,
            mounts: (mounts ?? []).map {
                Container.Mount(
                    kind: $0.kind ?? "", source: $0.source ?? "", destination: $0.destination,
                    isWritable: $0.isWritable ?? false)
            }, ports: ports)
    }

    /// In the order of their numbers; of a port's addresses, in the engine's.
    private var ports: [Container.Port] {
        let bindings = (network?.ports ?? [:]).compactMapValues { $0 }.sorted { first, second in
            let numbers = [first.key, second.key].map { Int($0.prefix { $0.isNumber }) ?? 0 }
            return (numbers[0], first.key) < (numbers[1], second.key)
        }
        return bindings.flatMap { port, bindings in
            bindings.compactMap { binding in
                guard let number = binding.port.flatMap({ Int($0) }), number > 0 else { return nil }
                return Container.Port(
                    port: port, hostAddress: binding.address ?? "", hostPort: number)
            }
        }
    }

    private var storage: Container.Storage {
        let driver = graphDriver?.name ?? ""
        guard driver == "overlay2" || driver == "overlay",
            let data = graphDriver?.data, let upper = data["UpperDir"]
        else { return .unsupported(driver: driver.isEmpty ? "unknown" : driver) }
        let lowers = data["LowerDir"]?.split(separator: ":").map(String.init) ?? []
        return .overlay(merged: data["MergedDir"], layers: [upper] + lowers)
    }
}

/// Times as the engines write them: RFC 3339 with up to nine digits of fraction; the year 1 stands for
/// never.
enum EngineTime {
    static func seconds(_ text: String) -> Double? {
        guard !text.hasPrefix("0001-") else { return nil }
        guard let dot = text.utf8.firstIndex(of: UInt8(ascii: ".")) else { return whole(text) }
        let rest = text[text.index(after: dot)...]
        let fraction = rest.prefix { $0.isNumber }
        let zone = rest.dropFirst(fraction.count)
        guard let seconds = whole(String(text[..<dot]) + zone), let part = Double("0.\(fraction)")
        else { return nil }
        return seconds + part
    }

    private static func whole(_ text: String) -> Double? {
        (try? Date(text, strategy: .iso8601))?.timeIntervalSince1970
    }
}
