internal import FoundationEssentials

/// The body of `POST /containers/create`: names are the API's (its reference, version 1.41).
struct CreateBody: Encodable {
    struct HostConfig: Encodable {
        var network: String
        var portBindings: [String: [Binding]]?
        var mounts: [Mount]?
        var devices: [DeviceRequest]?
        var storage: [String: String]?
        var sharedMemory: Int64
        var processes: Int?
        var memory: Int64?
        /// With swap; as much as without it, so that there is none.
        var memoryAndSwap: Int64?
        var cpuShares: Int?
        /// Who may send packets as they please can take the address of another container of the network.
        var dropped = ["NET_RAW"]
        /// The agent starts what is to run, and nobody else: a writer's hold on a stopped container stays.
        var restart = ["Name": "no"]
        /// What a container writes to its output would fill the host's disk otherwise.
        var log = Log()

        enum CodingKeys: String, CodingKey {
            case network = "NetworkMode"
            case portBindings = "PortBindings"
            case mounts = "Mounts"
            case devices = "DeviceRequests"
            case storage = "StorageOpt"
            case sharedMemory = "ShmSize"
            case processes = "PidsLimit"
            case memory = "Memory"
            case memoryAndSwap = "MemorySwap"
            case cpuShares = "CpuShares"
            case dropped = "CapDrop"
            case restart = "RestartPolicy"
            case log = "LogConfig"
        }
    }

    struct Binding: Encodable {
        var port: String
        enum CodingKeys: String, CodingKey { case port = "HostPort" }
    }

    /// By fields, not as `SOURCE:TARGET`: no colon in a name or a path makes another mount of it.
    struct Mount: Encodable {
        var type = "volume"
        var source: String
        var target: String

        enum CodingKeys: String, CodingKey {
            case type = "Type"
            case source = "Source"
            case target = "Target"
        }
    }

    struct DeviceRequest: Encodable {
        var driver = "nvidia"
        var devices: [String]
        var capabilities = [["gpu"]]

        enum CodingKeys: String, CodingKey {
            case driver = "Driver"
            case devices = "DeviceIDs"
            case capabilities = "Capabilities"
        }
    }

    struct Log: Encodable {
        var type = "json-file"
        var settings = ["max-size": "10m", "max-file": "3"]

        enum CodingKeys: String, CodingKey {
            case type = "Type"
            case settings = "Config"
        }
    }

    /// None, whatever the image has: its probes would be run by the engine, beside what the container may take of the
    /// processors, and an image may have one each millisecond.
    struct Healthcheck: Encodable {
        var test = ["NONE"]
        /// Nanoseconds: a year.
        ///
        /// Podman has a timer for what it is not to do, of 30 s without this word (seen with 4.3.1).
        var interval = 365 * 86_400 * 1_000_000_000

        enum CodingKeys: String, CodingKey {
            case test = "Test"
            case interval = "Interval"
        }
    }

    struct Nothing: Encodable {}

    var image: String
    var entrypoint: [String]?
    var arguments: [String]?
    var environment: [String]
    var user: String?
    var hostname: String?
    var labels: [String: String]
    var exposed: [String: Nothing]?
    var health = Healthcheck()
    var host: HostConfig

    enum CodingKeys: String, CodingKey {
        case image = "Image"
        case entrypoint = "Entrypoint"
        case arguments = "Cmd"
        case environment = "Env"
        case user = "User"
        case hostname = "Hostname"
        case labels = "Labels"
        case exposed = "ExposedPorts"
        case health = "Healthcheck"
        case host = "HostConfig"
    }
}

extension ContainerCreation {
    package func body() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = CreateBody(
            image: image.description, entrypoint: entrypoint, arguments: arguments,
            environment: environment, user: user, hostname: hostname, labels: labels,
            exposed: ports.isEmpty
                ? nil : Dictionary(ports.map { ($0.port, .init()) }) { first, _ in first },
            host: CreateBody.HostConfig(
                network: network,
                portBindings: ports.isEmpty
                    ? nil
                    : Dictionary(
                        ports.map { ($0.port, [CreateBody.Binding(port: "\($0.hostPort)")]) },
                        uniquingKeysWith: +),
                mounts: volumes.isEmpty
                    ? nil : volumes.map { CreateBody.Mount(source: $0.name, target: $0.path) },
                devices: gpus.isEmpty ? nil : [CreateBody.DeviceRequest(devices: gpus)],
                storage: diskByteCount.map { ["size": "\($0)"] },
                sharedMemory: sharedMemoryByteCount,
                processes: limits.processCount, memory: limits.memoryByteCount,
                memoryAndSwap: limits.memoryByteCount, cpuShares: limits.cpuShares))
        return [UInt8](try encoder.encode(body))
    }
}
