package import AgentLink
package import Logging

/// All that an agent may do, each call for the machine that its token proved.
package struct AgentGateway: Sendable {
    private let accounts: any AccountStore
    private let machines: any MachineStore
    private let instances: any InstanceStore
    private let orders: InstanceOrders
    private let commands: any CommandStore
    private let dispatcher: Dispatcher
    private let relays: OutputRelays
    private let complete: CompleteCommand
    private let key: ServerKey
    private let revoked: RevokedMachines
    private let time: WallTime
    private let logger: Logger

    package init(
        accounts: any AccountStore, machines: any MachineStore, instances: any InstanceStore,
        orders: InstanceOrders,
        commands: any CommandStore, dispatcher: Dispatcher, relays: OutputRelays,
        complete: CompleteCommand, key: ServerKey, revoked: RevokedMachines, time: WallTime,
        logger: Logger
    ) {
        self.accounts = accounts
        self.machines = machines
        self.instances = instances
        self.orders = orders
        self.commands = commands
        self.dispatcher = dispatcher
        self.relays = relays
        self.complete = complete
        self.key = key
        self.revoked = revoked
        self.time = time
        self.logger = logger
    }

    /// A new machine, for a join token that is used up by this; the answer is signed for who asked.
    package func join(token: String, name: String, nonce: LinkNonce) async throws -> JoinReply {
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
        let statement = LinkStatement.join(
            nonce: nonce, machineID: machine.id, tokenDigest: secret.digest.bytes)
        return JoinReply(
            machineID: machine.id, machineToken: secret.text,
            signature: Base64URL.string(try key.signature(of: statement)))
    }

    /// The machine that a token stands for.
    package func machine(token: String) async throws -> Machine {
        guard let machine = try await machines.machine(tokenDigest: SecretDigest(of: token)) else {
            throw ControlPlaneError.invalidMachineToken
        }
        return machine
    }

    /// Opens the machine's link.
    package func attach(_ machine: Machine, hello: AgentHello) async throws -> LinkMessages {
        try check(hello)
        try revoked.check(machine)
        logger.info("link opened", metadata: ["boathook.machine.id": "\(machine.id)"])
        let messages = try await dispatcher.attach(
            machine.id, held: Set(hello.heldCommandIDs), order: orders.order)
        try await orders.sendAll(to: machine.id)
        return messages
    }

    /// Opens the machine's link over a line that somebody else may reach; the signer is for its messages.
    package func attachSigned(_ machine: Machine, hello: AgentHello) async throws
        -> (messages: LinkMessages, signer: LineSigner)
    {
        // First: an agent of another version has other words.
        try check(hello)
        guard let nonce = hello.nonce else {
            throw ControlPlaneError(.invalidArguments, "A link is opened with a nonce.")
        }
        let attachment = LinkStatement.Attachment(
            machineID: machine.id, agentNonce: nonce, serverNonce: LinkNonce())
        return (try await attach(machine, hello: hello), LineSigner(attachment, key: key))
    }

    private func check(_ hello: AgentHello) throws {
        guard hello.protocolVersion == LinkProtocol.version else {
            throw ControlPlaneError(
                .agentOutdated,
                "This server speaks link protocol \(LinkProtocol.version), the agent \(hello.protocolVersion)."
            )
        }
    }

    /// Takes what the agent tells, in order.
    package func receive(_ messages: [AgentMessage], from machine: Machine) async throws {
        for message in messages {
            // It may be revoked at any time; the store refuses what comes from it after that as well.
            try revoked.check(machine)
            try await take(message, from: machine)
        }
    }

    private func take(_ message: AgentMessage, from machine: Machine) async throws {
        switch message {
        case .inventory(let reports):
            try await take(inventory: reports, of: machine)
        case .instanceChanged(let report):
            guard let report = sound(report, of: machine), let owner = try await owner(of: report)
            else { return }
            answer(
                try await instances.upsert(report, machine: machine.id, owner: owner), to: report,
                on: machine)
        case .instanceRemoved(let containerID):
            let removed = try await instances.remove(
                containerID: containerID, machine: machine.id, at: time.now())
            // Its volumes go with it. Not when an inventory does not name it: an engine that was started without its
            // disk has none of its containers, and may have them back.
            if let removed { orders.sendRemoved(removed) }
        case .machine(let report):
            if let problem = report.problem { return refuse("machine report", problem, machine) }
            if try await machines.keep(report, machine: machine.id, at: time.now()) {
                try await orders.sendAll(to: machine.id)
            }
        case .instanceProgress(let progress):
            try await instances.progress(
                progress.bounded(), machine: machine.id, at: time.now())
        case .engine(let isAvailable):
            logger.info(
                isAvailable ? "engine answers" : "engine does not answer",
                metadata: ["boathook.machine.id": "\(machine.id)"])
            dispatcher.setEngine(isAvailable: isAvailable, of: machine.id)
        case .commandStarted(let started):
            guard let command = try await commands.command(started.commandID),
                command.machineID == machine.id
            else { return }
            _ = try await commands.advance(
                command.id, to: .running, startedAt: started.startedAt)
        }
    }

    private func take(inventory reports: [InstanceReport], of machine: Machine) async throws {
        if reports.count > InstanceReport.maximumCount {
            refuse("end of an inventory", "it has \(reports.count) instances", machine)
        }
        var owned: [(report: InstanceReport, owner: Account.ID)] = []
        for report in reports.prefix(InstanceReport.maximumCount) {
            guard let report = sound(report, of: machine), let owner = try await owner(of: report)
            else { continue }
            owned.append((report, owner))
        }
        let outcomes = try await instances.replaceAll(
            machine: machine.id, with: owned, at: time.now())
        for (outcome, report) in zip(outcomes, owned.map(\.report)) {
            answer(outcome, to: report, on: machine)
        }
    }

    /// As it is kept; nil when it is not to be believed.
    private func sound(_ report: InstanceReport, of machine: Machine) -> InstanceReport? {
        let report = report.bounded()
        guard let problem = report.problem else { return report }
        refuse("instance report", problem, machine)
        return nil
    }

    private func refuse(_ what: String, _ problem: String, _ machine: Machine) {
        logger.warning(
            "\(what) refused",
            metadata: ["boathook.machine.id": "\(machine.id)", "error": "\(problem)"])
    }

    /// Takes a command's end and output; returns once both are durable.
    package func complete(
        _ report: CommandFinished, frames: some AsyncSequence<[UInt8], any Error> & Sendable,
        from machine: Machine
    ) async throws {
        try revoked.check(machine)
        try await complete(report, frames: frames, from: machine.id)
        dispatcher.drop(report.commandID, of: machine.id)
    }

    /// Takes what a running command writes, for the one who asked for it.
    package func relay(
        _ relayID: String, run: String,
        frames: some AsyncSequence<[UInt8], any Error> & Sendable, from machine: Machine
    ) async throws {
        try revoked.check(machine)
        try await relays.pass(relayID, run: run, frames: frames, from: machine.id)
    }

    private func answer(
        _ outcome: ReportOutcome, to report: InstanceReport, on machine: Machine
    ) {
        guard case .unwanted(let id) = outcome else { return }
        orders.sendUnwanted(report, instance: id, on: machine.id)
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

extension ControlPlaneError {
    /// The token of a call is no machine's, or that of a machine that was revoked: the two are one.
    static let invalidMachineToken = ControlPlaneError(.unauthenticated, "Invalid machine token")
}
