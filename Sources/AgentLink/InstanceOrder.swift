/// What the server wants of one container: all of it at once, so that an order that was missed, or comes twice,
/// does no harm.
///
/// On each attachment the agent gets one for every instance that is not as it is wanted, and one whenever a wish
/// changes. It works until the container is so, and tells by its reports how far that is.
package struct InstanceOrder: Sendable, Hashable, Codable {
    /// How the container is to be.
    package enum State: String, Sendable, Hashable, Codable {
        case running, stopped
        /// There is to be none, and nothing of it.
        case gone
    }

    package var instanceID: Int64
    /// Grows from order to order of one server process; given before what the order says was read.
    ///
    /// Orders may overtake each other on their way to the line: within one link, an order about an instance with a
    /// lower one than the last is older news, and counts no more.
    package var sequence: Int64
    /// Counts the wishes for this instance; every ``InstanceProgress`` names the one that it is about.
    package var number: Int64
    /// Whether it was carried out already: then only who may log in is news, and what the container has done since
    /// is its own affair.
    package var isSettled: Bool
    /// The engine's full id; nil for a container that is yet to be made.
    package var containerID: String?
    package var state: State
    /// Counts the containers that the instance has had: with a higher one than its container bears, that
    /// container is replaced (``ContainerLabel/generation``).
    package var generation: Int64
    /// What to make it from; nil for an instance that Boathook did not make, and cannot make again.
    package var specification: ContainerSpecification?
    /// Who may log in by SSH: public keys, one a line as OpenSSH writes them.
    package var authorizedKeys: [String]

    enum CodingKeys: String, CodingKey {
        case sequence, number, state, generation, specification
        case instanceID = "instance_id"
        case containerID = "container_id"
        case authorizedKeys = "authorized_keys"
        case isSettled = "settled"
    }

    package init(
        instanceID: Int64, sequence: Int64 = 0, number: Int64, isSettled: Bool = false,
        containerID: String?,
        state: State, generation: Int64,
        specification: ContainerSpecification?, authorizedKeys: [String] = []
    ) {
        self.instanceID = instanceID
        self.sequence = sequence
        self.number = number
        self.isSettled = isSettled
        self.containerID = containerID
        self.state = state
        self.generation = generation
        self.specification = specification
        self.authorizedKeys = authorizedKeys
    }

    /// Whether somebody else has removed the instance's container: what it left is to go.
    ///
    /// A container of it that is there all the same, on an engine that has its disk again, is not meant.
    package var isOfRemoved: Bool { state == .gone && number == 0 && containerID == nil }
}

/// Ends a running container's processes and starts it again, in the same file system.
///
/// A wish of one moment: the server sends it while the link is open, and says so when it is not.
package struct RestartInstance: Sendable, Hashable, Codable {
    package var instanceID: Int64
    package var containerID: String

    enum CodingKeys: String, CodingKey {
        case instanceID = "instance_id"
        case containerID = "container_id"
    }

    package init(instanceID: Int64, containerID: String) {
        self.instanceID = instanceID
        self.containerID = containerID
    }
}

/// What a container is made from.
package struct ContainerSpecification: Sendable, Hashable, Codable {
    /// What its first process is.
    package enum Program: Sendable, Hashable {
        /// The image's own, or another one that is in it, with these arguments; nil for what the image says.
        case image(entrypoint: [String]? = nil, arguments: [String]?)
        /// A shell that runs this script at each start, and stays when it has ended.
        case shell(script: String)
    }

    /// A port of the container that callers from outside reach.
    package struct Port: Sendable, Hashable, Codable {
        /// From 70,000 on it is a name: any port that is the same inside and outside (contract 4).
        package var number: Int
        /// `tcp` or `udp`.
        package var transport: String
        /// The machine's port; nil for any that is free.
        package var hostPort: Int?

        enum CodingKeys: String, CodingKey {
            case number, transport
            case hostPort = "host_port"
        }

        package init(number: Int, transport: String, hostPort: Int?) {
            self.number = number
            self.transport = transport
            self.hostPort = hostPort
        }

        /// Whether it is to be the same inside and outside, whichever that is.
        package var isAlike: Bool { (70_000...70_999).contains(number) }
    }

    /// A named volume of the instance's own: `name` is never a path of the machine.
    package struct Volume: Sendable, Hashable, Codable {
        package var name: String
        package var path: String

        package init(name: String, path: String) {
            self.name = name
            self.path = path
        }
    }

    package var image: String
    /// For a registry that wants one: user, password, registry.
    package var login: RegistryLogin?
    package var program: Program
    /// Pairs of name and value.
    package var environment: [[String]]
    /// As whom its program runs, `NAME` or a number, and `:GROUP` behind it or not; nil for whom the image says.
    package var user: String?
    package var hostname: String?
    package var ports: [Port]
    package var volumes: [Volume]
    /// Whether callers may log in by SSH, through a server on the machine.
    package var hasSSH: Bool
    /// How many GPUs; the agent chooses free ones and keeps to them.
    package var gpuCount: Int
    /// What the instance may fill, in GB of 10^9 bytes.
    package var diskGB: Double
    /// Whose it is: the account's name, as ``InstanceReport/owner``.
    package var owner: String
    /// What its owner calls it.
    package var label: String?

    enum CodingKeys: String, CodingKey {
        case image, login, program, environment, hostname, ports, volumes, owner, label, user
        case gpuCount = "gpu_count"
        case diskGB = "disk_gb"
        case hasSSH = "ssh"
    }

    package init(
        image: String, login: RegistryLogin? = nil, program: Program = .image(arguments: nil),
        environment: [[String]] = [], user: String? = nil, hostname: String? = nil,
        ports: [Port] = [],
        volumes: [Volume] = [], hasSSH: Bool = false, gpuCount: Int = 0, diskGB: Double,
        owner: String,
        label: String? = nil
    ) {
        self.image = image
        self.login = login
        self.program = program
        self.environment = environment
        self.user = user
        self.hostname = hostname
        self.ports = ports
        self.volumes = volumes
        self.hasSSH = hasSSH
        self.gpuCount = gpuCount
        self.diskGB = diskGB
        self.owner = owner
        self.label = label
    }
}

/// How to be let in by an image registry.
package struct RegistryLogin: Sendable, Hashable, Codable {
    package var user: String
    package var password: String
    /// Its host; empty for the one that the image names.
    package var registry: String

    package init(user: String, password: String, registry: String) {
        self.user = user
        self.password = password
        self.registry = registry
    }
}

/// Labels by which a container is known to be an instance, and which one.
package enum ContainerLabel {
    /// Value: the owner's user name; empty for the first user.
    ///
    /// Its presence makes a container an instance.
    package static let owner = "boathook.instance"
    /// Value: what the owner calls it.
    package static let name = "boathook.label"
    /// Value: the instance's id, on containers that Boathook made.
    package static let instanceID = "boathook.instance.id"
    /// Value: ``InstanceOrder/generation``.
    package static let generation = "boathook.instance.generation"
    /// Value: numbers of the GPUs that it has, separated by commas.
    package static let gpus = "boathook.instance.gpus"
    /// Value: the machine's port of its SSH server.
    package static let sshPort = "boathook.instance.ssh"
    /// Value: `1`, on the engine's network that an agent made for its instances.
    package static let network = "boathook.network"
}

extension ContainerSpecification.Program: Codable {
    private enum CodingKeys: String, CodingKey { case entrypoint, arguments, script }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let script = try container.decodeIfPresent(String.self, forKey: .script) {
            self = .shell(script: script)
        } else {
            self = .image(
                entrypoint: try container.decodeIfPresent([String].self, forKey: .entrypoint),
                arguments: try container.decodeIfPresent([String].self, forKey: .arguments))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .image(let entrypoint, let arguments):
            try container.encodeIfPresent(entrypoint, forKey: .entrypoint)
            try container.encodeIfPresent(arguments, forKey: .arguments)
        case .shell(let script): try container.encode(script, forKey: .script)
        }
    }
}
