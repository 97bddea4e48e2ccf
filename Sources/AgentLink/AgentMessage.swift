/// The agent's first words on a connection: the body of `POST /agent/v1/link`.
package struct AgentHello: Sendable, Hashable, Codable {
    /// ``LinkProtocol/version`` of the agent.
    package var protocolVersion: Int
    /// Ids of commands that the agent holds in any state that it has not reported finally.
    ///
    /// The server sends all others that are open for the machine: this is how a link resumes.
    package var heldCommandIDs: [Int64]
    /// What each line of the answer must be signed for; nil in one process, where nothing lies between the two.
    package var nonce: LinkNonce?

    enum CodingKeys: String, CodingKey {
        case nonce
        case protocolVersion = "protocol_version"
        case heldCommandIDs = "held_command_ids"
    }

    package init(
        protocolVersion: Int = LinkProtocol.version, heldCommandIDs: [Int64],
        nonce: LinkNonce? = nil
    ) {
        self.protocolVersion = protocolVersion
        self.heldCommandIDs = heldCommandIDs
        self.nonce = nonce
    }
}

/// What an agent tells beside results: the body of `POST /agent/v1/reports` is an array of these.
///
/// Each is idempotent.
package enum AgentMessage: Sendable, Hashable {
    /// All containers that the machine adopts; what is not named is gone.
    case inventory([InstanceReport])
    /// One container is new or changed.
    case instanceChanged(InstanceReport)
    /// One container is gone.
    case instanceRemoved(containerID: String)
    /// A command's tool is running.
    case commandStarted(CommandStarted)
    /// What the machine has.
    case machine(MachineReport)
    /// How far an instance is that has no container of its generation yet.
    case instanceProgress(InstanceProgress)
    /// Whether the machine's container engine answers: told when it does not, and when it does again.
    ///
    /// On a new link it counts as one that answers.
    case engine(isAvailable: Bool)
}

/// One container as an instance.
package struct InstanceReport: Sendable, Hashable, Codable {
    package var containerID: String
    /// The engine's name for it, without a leading slash.
    package var name: String
    package var image: String
    /// `running` or `stopped`, and upstream's finer words: created, running, frozen, exited,
    /// rebooting (contract 3.4).
    package var status: String
    /// Value of the label `boathook.instance`: whose it is; empty for the first account.
    package var owner: String
    /// Value of the label `boathook.label`, if any.
    package var label: String?
    /// Unix seconds of the container's creation.
    package var createdAt: Double
    /// Unix seconds of its last start; nil if it never started.
    package var startedAt: Double?
    /// Environment as the container got it, in order.
    package var environment: [[String]]
    /// What the engine last said went wrong, if anything.
    package var statusMessage: String?
    /// Of containers that Boathook made: which instance it is, and the how manieth container of it.
    package var instanceID: Int64?
    package var generation: Int64?
    /// Where its ports are reached from outside.
    package var ports: [PortMapping] = []
    /// Bytes that the container has written beside its image; nil when the engine has not measured it.
    package var writtenBytes: Int64?

    enum CodingKeys: String, CodingKey {
        case name, image, status, owner, label, environment, generation, ports
        case instanceID = "instance_id"
        case writtenBytes = "written_bytes"
        case containerID = "container_id"
        case createdAt = "created_at"
        case startedAt = "started_at"
        case statusMessage = "status_message"
    }

    package init(
        containerID: String, name: String, image: String, status: String, owner: String,
        label: String?, createdAt: Double, startedAt: Double?, environment: [[String]],
        statusMessage: String?, instanceID: Int64? = nil, generation: Int64? = nil,
        ports: [PortMapping] = [], writtenBytes: Int64? = nil
    ) {
        self.containerID = containerID
        self.name = name
        self.image = image
        self.status = status
        self.owner = owner
        self.label = label
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.environment = environment
        self.statusMessage = statusMessage
        self.instanceID = instanceID
        self.generation = generation
        self.ports = ports
        self.writtenBytes = writtenBytes
    }
}

/// A port of a container, and the machine's port behind which it is reached.
package struct PortMapping: Sendable, Hashable, Codable {
    /// Such as `22/tcp`.
    package var port: String
    package var hostAddress: String
    package var hostPort: Int

    enum CodingKeys: String, CodingKey {
        case port
        case hostAddress = "host_address"
        case hostPort = "host_port"
    }

    package init(port: String, hostAddress: String, hostPort: Int) {
        self.port = port
        self.hostAddress = hostAddress
        self.hostPort = hostPort
    }
}

/// A command's tool is running.
package struct CommandStarted: Sendable, Hashable, Codable {
    package var commandID: Int64
    /// Unix seconds by the machine's clock; for people, never for decisions.
    package var startedAt: Double

    enum CodingKeys: String, CodingKey {
        case commandID = "command_id"
        case startedAt = "started_at"
    }

    package init(commandID: Int64, startedAt: Double) {
        self.commandID = commandID
        self.startedAt = startedAt
    }
}

extension AgentMessage: Codable {
    private enum CodingKeys: String, CodingKey {
        case type, instances, instance, machine, progress
        case isAvailable = "available"
        case containerID = "container_id"
    }

    private enum Kind: String, Codable {
        case inventory
        case instanceChanged = "instance_changed"
        case instanceRemoved = "instance_removed"
        case commandStarted = "command_started"
        case machine
        case instanceProgress = "instance_progress"
        case engine
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(Kind.self, forKey: .type) {
        case .inventory:
            self = .inventory(try container.decode([InstanceReport].self, forKey: .instances))
        case .instanceChanged:
            self = .instanceChanged(try container.decode(InstanceReport.self, forKey: .instance))
        case .instanceRemoved:
            self = .instanceRemoved(
                containerID: try container.decode(String.self, forKey: .containerID))
        case .commandStarted:
            self = .commandStarted(try CommandStarted(from: decoder))
        case .machine:
            self = .machine(try container.decode(MachineReport.self, forKey: .machine))
        case .instanceProgress:
            self = .instanceProgress(
                try container.decode(InstanceProgress.self, forKey: .progress))
        case .engine:
            self = .engine(isAvailable: try container.decode(Bool.self, forKey: .isAvailable))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .inventory(let instances):
            try container.encode(Kind.inventory, forKey: .type)
            try container.encode(instances, forKey: .instances)
        case .instanceChanged(let instance):
            try container.encode(Kind.instanceChanged, forKey: .type)
            try container.encode(instance, forKey: .instance)
        case .instanceRemoved(let containerID):
            try container.encode(Kind.instanceRemoved, forKey: .type)
            try container.encode(containerID, forKey: .containerID)
        case .machine(let report):
            try container.encode(Kind.machine, forKey: .type)
            try container.encode(report, forKey: .machine)
        case .instanceProgress(let progress):
            try container.encode(Kind.instanceProgress, forKey: .type)
            try container.encode(progress, forKey: .progress)
        case .engine(let isAvailable):
            try container.encode(Kind.engine, forKey: .type)
            try container.encode(isAvailable, forKey: .isAvailable)
        case .commandStarted(let message):
            try container.encode(Kind.commandStarted, forKey: .type)
            try message.encode(to: encoder)
        }
    }
}
