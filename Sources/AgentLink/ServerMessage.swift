package import CommandPolicy

/// What the server says to an agent: one JSON object in each ``SignedLine`` of the response that the agent
/// holds open.
///
/// `type` tells them apart; one that an agent does not know ends the link, so new ones raise the version.
package enum ServerMessage: Sendable, Hashable {
    /// First on each connection.
    case welcome(Welcome)
    /// Run this, unless its id is known already.
    case runCommand(RunCommand)
    /// Stop this if it has not ended.
    case cancelCommand(CancelCommand)
    /// Somebody wants to see what this writes while it runs.
    case sendOutput(SendOutput)
    /// A container is to be as this says.
    case wantInstance(InstanceOrder)
    /// A container is to be started afresh.
    case restartInstance(RestartInstance)
    /// Nothing to say; the line is alive.
    case heartbeat
}

/// The server's first words on a connection.
package struct Welcome: Sendable, Hashable, Codable {
    /// ``LinkProtocol/version`` of the server.
    package var protocolVersion: Int
    package var machineID: Int64
    /// The longest silence, in seconds, before either side holds the line for dead.
    package var silenceSeconds: Int

    enum CodingKeys: String, CodingKey {
        case protocolVersion = "protocol_version"
        case machineID = "machine_id"
        case silenceSeconds = "silence_seconds"
    }

    package init(protocolVersion: Int, machineID: Int64, silenceSeconds: Int) {
        self.protocolVersion = protocolVersion
        self.machineID = machineID
        self.silenceSeconds = silenceSeconds
    }
}

/// One command for one container.
///
/// The agent decides again by its own policy from `argv`.
package struct RunCommand: Sendable, Hashable, Codable {
    package var commandID: Int64
    /// The engine's full container id: 64 hexadecimal digits.
    package var containerID: String
    /// The text as the caller typed it; of an order in words, those words in the grammar's quoting.
    package var command: String
    package var argv: [String]
    /// The policy by which the server decided.
    package var policy: String
    /// Whether the server's decision lets the command change something; such a command starts at
    /// most once.
    package var writes: Bool
    /// Who is to run it, and on what.
    package var backend: CommandBackend
    package var view: InstanceView
    /// Normalised paths outside of which it must see nothing; nil for everywhere.
    package var paths: [String]?
    /// Paths that no operand of a command that removes may be, beside those of the machine's own policy.
    package var protected: [String]
    /// Whether the server lets it see the instance's volumes.
    package var attachesVolumes: Bool
    /// What the server allows it to use; the machine may allow less.
    package var limits: CommandLimits
    /// Wall-clock limit in milliseconds, counted from its start.
    package var timeoutMilliseconds: Int
    /// How long, in milliseconds from receipt, the command may still wait for its start.
    ///
    /// Relative, because the two clocks may differ.
    package var startWithinMilliseconds: Int
    /// The most bytes of output that the server keeps of it; the machine may keep to less.
    package var outputLimit: Int64
    /// Whose command it is: machines share their turns out among accounts.
    package var accountID: Int64
    /// For a command that removes: what it may, and whether it is to be run at all.
    package var removal: RemovalOrder?
    /// Whether a wish to cancel it came before this order could be given.
    package var isCancelled: Bool

    enum CodingKeys: String, CodingKey {
        case command, argv, policy, writes, backend, view, paths, protected, limits, removal
        case attachesVolumes = "volumes"
        case commandID = "command_id"
        case containerID = "container_id"
        case timeoutMilliseconds = "timeout_ms"
        case startWithinMilliseconds = "start_within_ms"
        case outputLimit = "output_limit"
        case accountID = "account_id"
        case isCancelled = "cancelled"
    }

    package init(
        commandID: Int64, containerID: String, command: String, argv: [String], policy: String,
        writes: Bool,
        backend: CommandBackend = .jail, view: InstanceView = .merged, paths: [String]? = nil,
        protected: [String] = [], attachesVolumes: Bool = true, limits: CommandLimits,
        timeoutMilliseconds: Int, startWithinMilliseconds: Int,
        outputLimit: Int64, accountID: Int64, removal: RemovalOrder? = nil,
        isCancelled: Bool = false
    ) {
        self.backend = backend
        self.view = view
        self.paths = paths
        self.protected = protected
        self.attachesVolumes = attachesVolumes
        self.limits = limits
        self.removal = removal
        self.commandID = commandID
        self.containerID = containerID
        self.command = command
        self.argv = argv
        self.policy = policy
        self.writes = writes
        self.timeoutMilliseconds = timeoutMilliseconds
        self.startWithinMilliseconds = startWithinMilliseconds
        self.outputLimit = outputLimit
        self.accountID = accountID
        self.isCancelled = isCancelled
    }
}

/// A wish that a command end; its report says whether it did so because of this.
package struct CancelCommand: Sendable, Hashable, Codable {
    package var commandID: Int64

    enum CodingKeys: String, CodingKey { case commandID = "command_id" }

    package init(commandID: Int64) {
        self.commandID = commandID
    }
}

/// A wish to see the output of a command that runs: the agent answers it on ``LinkProtocol/outputPath``.
package struct SendOutput: Sendable, Hashable, Codable {
    /// Names this wish; unguessable.
    package var relayID: String
    package var commandID: Int64
    /// How many bytes of the output are known already.
    package var offset: Int64

    enum CodingKeys: String, CodingKey {
        case offset
        case relayID = "relay_id"
        case commandID = "command_id"
    }

    package init(relayID: String, commandID: Int64, offset: Int64) {
        self.relayID = relayID
        self.commandID = commandID
        self.offset = offset
    }
}

extension ServerMessage: Codable {
    private enum CodingKeys: String, CodingKey { case type }

    private enum Kind: String, Codable {
        case welcome, heartbeat
        case runCommand = "run_command"
        case cancelCommand = "cancel_command"
        case sendOutput = "send_output"
        case wantInstance = "want_instance"
        case restartInstance = "restart_instance"
    }

    package init(from decoder: any Decoder) throws {
        switch try decoder.container(keyedBy: CodingKeys.self).decode(Kind.self, forKey: .type) {
        case .welcome: self = .welcome(try Welcome(from: decoder))
        case .runCommand: self = .runCommand(try RunCommand(from: decoder))
        case .cancelCommand: self = .cancelCommand(try CancelCommand(from: decoder))
        case .sendOutput: self = .sendOutput(try SendOutput(from: decoder))
        case .wantInstance: self = .wantInstance(try InstanceOrder(from: decoder))
        case .restartInstance: self = .restartInstance(try RestartInstance(from: decoder))
        case .heartbeat: self = .heartbeat
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .welcome(let message):
            try container.encode(Kind.welcome, forKey: .type)
            try message.encode(to: encoder)
        case .runCommand(let message):
            try container.encode(Kind.runCommand, forKey: .type)
            try message.encode(to: encoder)
        case .cancelCommand(let message):
            try container.encode(Kind.cancelCommand, forKey: .type)
            try message.encode(to: encoder)
        case .sendOutput(let message):
            try container.encode(Kind.sendOutput, forKey: .type)
            try message.encode(to: encoder)
        case .wantInstance(let message):
            try container.encode(Kind.wantInstance, forKey: .type)
            try message.encode(to: encoder)
        case .restartInstance(let message):
            try container.encode(Kind.restartInstance, forKey: .type)
            try message.encode(to: encoder)
        case .heartbeat:
            try container.encode(Kind.heartbeat, forKey: .type)
        }
    }
}
