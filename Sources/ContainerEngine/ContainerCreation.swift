/// What a container is made with.
///
/// There is no way to name a path of the host in it, nor more rights than the engine gives by default.
package struct ContainerCreation: Sendable, Hashable {
    /// A port of the container, reached at a port of the host.
    package struct Port: Sendable, Hashable {
        /// Such as `22/tcp`.
        package var port: String
        package var hostPort: Int

        package init(port: String, hostPort: Int) {
            self.port = port
            self.hostPort = hostPort
        }
    }

    /// A named volume of the engine's.
    package struct Volume: Sendable, Hashable {
        package var name: String
        /// In the container.
        package var path: String

        package init(name: String, path: String) {
            self.name = name
            self.path = path
        }
    }

    package var name: String
    package var image: ImageName
    /// Nil for the image's own.
    package var entrypoint: [String]?
    /// Nil for the image's own, or for none where the entry point is not the image's.
    package var arguments: [String]?
    /// `NAME=value`.
    package var environment: [String]
    /// Nil for the image's own.
    package var user: String?
    package var hostname: String?
    package var labels: [String: String]
    package var ports: [Port]
    package var volumes: [Volume]
    /// The driver's names of GPUs.
    package var gpus: [String]
    /// The most bytes that it may write into its own file system; without effect where the engine has no quotas.
    package var diskByteCount: Int64?
    /// A network of the engine's, such as `bridge`, `host` or `none`.
    package var network: String
    /// The size of `/dev/shm`.
    package var sharedMemoryByteCount: Int64
    package var limits: ContainerLimits

    package init(
        name: String, image: ImageName, entrypoint: [String]? = nil, arguments: [String]? = nil,
        environment: [String] = [], user: String? = nil, hostname: String? = nil,
        labels: [String: String],
        ports: [Port] = [], volumes: [Volume] = [], gpus: [String] = [],
        diskByteCount: Int64? = nil, network: String, sharedMemoryByteCount: Int64,
        limits: ContainerLimits = ContainerLimits()
    ) {
        self.name = name
        self.image = image
        self.entrypoint = entrypoint
        self.arguments = arguments
        self.environment = environment
        self.user = user
        self.hostname = hostname
        self.labels = labels
        self.ports = ports
        self.volumes = volumes
        self.gpus = gpus
        self.diskByteCount = diskByteCount
        self.network = network
        self.sharedMemoryByteCount = sharedMemoryByteCount
        self.limits = limits
    }
}
