package import AgentLink
package import Logging

/// All that an agent may do, each call for the machine that its token proved.
package struct AgentGateway: Sendable {
    private let accounts: any AccountStore
    private let machines: any MachineStore
    private let instances: any InstanceStore
    private let commands: any CommandStore
    private let dispatcher: Dispatcher
    private let relays: OutputRelays
    private let complete: CompleteCommand
    private let time: WallTime
    private let logger: Logger

    package init(
        accounts: any AccountStore, machines: any MachineStore, instances: any InstanceStore,
        commands: any CommandStore, dispatcher: Dispatcher, relays: OutputRelays,
        complete: CompleteCommand, time: WallTime, logger: Logger
    ) {
        self.accounts = accounts
        self.machines = machines
        self.instances = instances
        self.commands = commands
        self.dispatcher = dispatcher
        self.relays = relays
        self.complete = complete
        self.time = time
        self.logger = logger
    }

    /// A new machine, for a join token that is used up by this.
    package func join(token: String, name: String) async throws -> JoinReply {
        let secret = Secret()
        guard
            let machine = try await machines.join(
                tokenDigest: SecretDigest(of: token), name: name,
                machineTokenDigest: secret.digest, at: time.now())
        else {
            throw ControlPlaneError(
                .unauthenticated, "This join token is unknown, used already, or too old.")
        }
        logger.info("machine joined", metadata: ["boathook.machine.id": "\(machine.id)"])
        return JoinReply(machineID: machine.id, machineToken: secret.text)
    }

    /// The machine that a token stands for.
    package func machine(token: String) async throws -> Machine {
        guard let machine = try await machines.machine(tokenDigest: SecretDigest(of: token)) else {
            throw ControlPlaneError(.unauthenticated, "Invalid machine token")
        }
        return machine
    }

    /// Opens the machine's link.
    package func attach(_ machine: Machine, hello: AgentHello) async throws
        -> AsyncStream<ServerMessage>
    {
        guard hello.protocolVersion == LinkProtocol.version else {
            throw ControlPlaneError(
                .agentOutdated,
                "This server speaks link protocol \(LinkProtocol.version), the agent \(hello.protocolVersion)."
            )
        }
        logger.info("link opened", metadata: ["boathook.machine.id": "\(machine.id)"])
        return try await dispatcher.attach(machine.id, held: Set(hello.heldCommandIDs))
    }

    /// Takes what the agent tells, in order.
    package func receive(_ messages: [AgentMessage], from machine: Machine) async throws {
        for message in messages {
            switch message {
            case .inventory(let reports):
                var owned: [(report: InstanceReport, owner: Account.ID)] = []
                for report in reports {
                    if let owner = try await owner(of: report) { owned.append((report, owner)) }
                }
                try await instances.replaceAll(machine: machine.id, with: owned, at: time.now())
            case .instanceChanged(let report):
                guard let owner = try await owner(of: report) else { continue }
                try await instances.upsert(report, machine: machine.id, owner: owner)
            case .instanceRemoved(let containerID):
                try await instances.remove(
                    containerID: containerID, machine: machine.id, at: time.now())
            case .commandStarted(let started):
                guard let command = try await commands.command(started.commandID),
                    command.machineID == machine.id
                else { continue }
                _ = try await commands.advance(
                    command.id, to: .running, startedAt: started.startedAt)
            }
        }
    }

    /// Takes a command's end and output; returns once both are durable.
    package func complete(
        _ report: CommandFinished, frames: some AsyncSequence<[UInt8], any Error> & Sendable,
        from machine: Machine
    ) async throws {
        try await complete(report, frames: frames, from: machine.id)
    }

    /// Takes what a running command writes, for the one who asked for it.
    package func relay(
        _ relayID: String, run: String,
        frames: some AsyncSequence<[UInt8], any Error> & Sendable, from machine: Machine
    ) async throws {
        try await relays.pass(relayID, run: run, frames: frames, from: machine.id)
    }

    private func owner(of report: InstanceReport) async throws -> Account.ID? {
        let account =
            report.owner.isEmpty
            ? try await accounts.firstAccount() : try await accounts.account(named: report.owner)
        if account == nil {
            logger.warning(
                "container not adopted: its label names no account",
                metadata: ["boathook.container.id": "\(report.containerID.prefix(12))"])
        }
        return account?.id
    }
}
