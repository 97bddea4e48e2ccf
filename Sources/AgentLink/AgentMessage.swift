/// The agent's first words on a connection: the body of `POST /agent/v1/link`.
package struct AgentHello: Sendable, Hashable, Codable {
    /// ``LinkProtocol/version`` of the agent.
    package var protocolVersion: Int
    /// Ids of commands that the agent holds in any state that it has not reported finally.
    ///
    /// The server sends all others that are open for the machine: this is how a link resumes.
    package var heldCommandIDs: [Int64]

    enum CodingKeys: String, CodingKey {
        case protocolVersion = "protocol_version"
        case heldCommandIDs = "held_command_ids"
    }

    package init(protocolVersion: Int = LinkProtocol.version, heldCommandIDs: [Int64]) {
        self.protocolVersion = protocolVersion
        self.heldCommandIDs = heldCommandIDs
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

    enum CodingKeys: String, CodingKey {
        case name, image, status, owner, label, environment
        case containerID = "container_id"
        case createdAt = "created_at"
        case startedAt = "started_at"
        case statusMessage = "status_message"
    }

    package init(
        containerID: String, name: String, image: String, status: String, owner: String,
        label: String?, createdAt: Double, startedAt: Double?, environment: [[String]],
        statusMessage: String?
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
        case type, instances, instance
        case containerID = "container_id"
    }

    private enum Kind: String, Codable {
        case inventory
        case instanceChanged = "instance_changed"
        case instanceRemoved = "instance_removed"
        case commandStarted = "command_started"
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
        case .commandStarted(let message):
            try container.encode(Kind.commandStarted, forKey: .type)
            try message.encode(to: encoder)
        }
    }
}
