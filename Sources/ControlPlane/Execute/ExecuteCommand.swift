internal import AgentLink
package import CommandPolicy
internal import FaultPoints

/// What a caller wants to run.
package struct CommandOrder: Sendable, Hashable {
    /// The command as text, or as words.
    package enum Input: Sendable, Hashable {
        case text(String)
        case argv([String])
    }

    package var input: Input
    /// On what it is to run.
    package var view = InstanceView.merged
    /// List what a command that removes would take, instead of running it.
    package var previews = false
    /// A preview that came to its end: remove only what it listed.
    package var planID: Command.ID?
    /// Wall-clock limit in seconds; nil for the policy's.
    package var timeoutSeconds: Int?
    /// The caller's own name for this order: sent again within a day, it is the same command.
    package var idempotencyKey: String?
    /// The instance that was asked for, when the key is not for it and the order goes to one that nobody has.
    package var hiddenInstanceID: Instance.ID?

    package init(input: Input, timeoutSeconds: Int? = nil, idempotencyKey: String? = nil) {
        self.input = input
        self.timeoutSeconds = timeoutSeconds
        self.idempotencyKey = idempotencyKey
    }
}

/// An accepted command and the secret of its result URL, which exists nowhere else.
package struct AcceptedCommand: Sendable {
    package var command: Command
    package var resultSecret: Secret
}

/// `execute`: the whole way from a caller's words to a command that is accepted, stored and under way.
package struct ExecuteCommand: Sendable {
    /// The times that the operator sets.
    package struct Times: Sendable, Hashable {
        /// Seconds that a command may wait for its start: one that changes something, and any other.
        package var writerStartWithin = 60.0
        package var readerStartWithin = 600.0
        /// Seconds for which a result URL is good.
        package var resultLifetime = 86_400.0

        package init() {}
    }

    private let access: InstanceAccess
    private let audit: any AuditLog
    private let commands: any CommandStore
    private let dispatcher: Dispatcher
    private let policy: Policy
    private let switches: SwitchBoard
    private let instanceLimiter: RateLimiter<Instance.ID>
    private let refusals: ExecuteRefusals
    private let times: Times
    private let outputLimit: Int64
    private let bounds: QueueBounds
    private let time: WallTime
    private let undelivered = UndeliveredAnswers()

    package init(
        access: InstanceAccess, commands: any CommandStore & AuditLog, dispatcher: Dispatcher,
        policy: Policy, switches: SwitchBoard, instanceRate: CallRate,
        compatibility: Compatibility, times: Times,
        outputLimit: Int64,
        bounds: QueueBounds = QueueBounds(), time: WallTime
    ) {
        self.access = access
        audit = commands
        self.commands = commands
        self.dispatcher = dispatcher
        self.policy = policy
        self.switches = switches
        instanceLimiter = RateLimiter(rate: instanceRate)
        refusals = ExecuteRefusals(compatibility: compatibility)
        self.times = times
        self.outputLimit = outputLimit
        self.bounds = bounds
        self.time = time
    }

    /// The longest wall-clock limit that a caller may ask for, in seconds.
    package static let maximumTimeoutSeconds = 86_400

    /// - Returns: The command, durable and on its way.
    /// - Throws: ``ControlPlaneError``: `instance_not_found`, `container_gone`, `instance_not_ready`,
    ///   `invalid_arguments`, `command_refused`, `idempotency_mismatch`, `too_frequent` or `queue_full`; nothing is
    ///   stored then.
    package func callAsFunction(
        _ order: CommandOrder, on id: Instance.ID, as principal: Principal
    ) async throws -> AcceptedCommand {
        let (text, decision) = decide(order, principal)
        return try await take(order, text, decision, on: id, as: principal)
    }

    /// The rest of the way of an order on which the decision was made.
    ///
    /// - Parameters:
    ///   - order: What was ordered.
    ///   - text: The same as it is kept.
    ///   - decision: What was decided.
    ///   - id: The instance.
    ///   - principal: Who ordered it.
    /// - Returns: The command, durable and on its way.
    /// - Throws: As ``callAsFunction(_:on:as:)``.
    func take(
        _ order: CommandOrder, _ text: String, _ decision: Decision, on id: Instance.ID,
        as principal: Principal
    ) async throws -> AcceptedCommand {
        let decision = bounded(decision)
        do {
            return try await accept(order, text, decision, on: id, as: principal)
        } catch let error as ControlPlaneError {
            // Before the answer: a refusal that cannot be kept is a failure of the server.
            try await audit.append(
                AuditEntry(
                    time: time.now(), event: .commandDenied, accountID: principal.account.id,
                    keyID: principal.keyID, instanceID: order.hiddenInstanceID ?? id, text: text,
                    decision: decision, detail: "\(error.code)", address: principal.address))
            throw error
        }
    }

    /// Keeps in the audit log that a key was used for an order which it may not give; of the order itself
    /// nothing was read.
    ///
    /// - Parameters:
    ///   - error: What the caller gets.
    ///   - id: The instance that was asked for; nil when that is no id.
    ///   - principal: Who asked.
    /// - Throws: When it cannot be kept; the caller then gets that failure.
    package func noteRefusal(
        _ error: ControlPlaneError, on id: Instance.ID?, as principal: Principal
    ) async throws {
        try await audit.append(
            AuditEntry(
                time: time.now(), event: .commandDenied, accountID: principal.account.id,
                keyID: principal.keyID, instanceID: id, detail: "\(error.code)",
                address: principal.address))
    }

    private func accept(
        _ order: CommandOrder, _ text: String, _ decision: Decision, on id: Instance.ID,
        as principal: Principal
    ) async throws -> AcceptedCommand {
        if let repeated = try await repeated(order, text, decision, on: id, as: principal) {
            return repeated
        }
        let instance = try await access.instance(id, as: principal, to: .execute)
        // However many keys its account has.
        try instanceLimiter.admit(instance.id)
        try refusals.checkState(of: instance, decision)
        if let denial = decision.denial { throw refusals.error(denial, decision) }
        if let off = switches.switchedOff(
            program: decision.argv.first, instance: instance.id, machine: instance.machineID)
        {
            throw ControlPlaneError(.switchedOff, off.message)
        }
        let timeout = try timeout(order, decision)
        let removal = try await removalOrder(order, decision, on: instance, as: principal)

        let secret = Secret()
        let now = time.now()
        var new = NewCommand(
            accountID: principal.account.id, keyID: principal.keyID, instance: instance,
            text: text, decision: decision, removalOrder: removal, planID: order.planID,
            deletionBudget: decision.writes ? principal.scope.deletionBudget : nil,
            timeoutSeconds: timeout, createdAt: now,
            startBy: time.steady()
                + (decision.writes ? times.writerStartWithin : times.readerStartWithin),
            resultDigest: secret.digest, resultExpiresAt: now + times.resultLifetime,
            idempotencyKey: order.idempotencyKey,
            undelivered: decision.writes ? undelivered.recent() : [],
            state: dispatcher.isConnected(instance.machineID) ? .dispatched : .queued)
        new.address = principal.address
        new.askedTimeoutSeconds = order.timeoutSeconds
        let (command, isNew) = try await commands.add(new, bounds: bounds)
        FaultPoint.commandStored.reached()
        if isNew { try await send(command) }
        FaultPoint.commandSent.reached()
        return AcceptedCommand(command: command, resultSecret: secret)
    }

    /// The command that this order already became, if its caller has a name for it.
    ///
    /// Looked for before anything that may have changed since, so that a caller whose answer got lost is never told that
    /// nothing ran. It is the key's own command, so the key sees it whatever became of the instance; and nothing is
    /// started, so nothing that keeps commands from starting is asked.
    private func repeated(
        _ order: CommandOrder, _ text: String, _ decision: Decision, on id: Instance.ID,
        as principal: Principal
    ) async throws -> AcceptedCommand? {
        guard let key = order.idempotencyKey else { return nil }
        let instanceID = order.hiddenInstanceID ?? id
        // What is refused today may have been accepted then.
        let previews = decision.denial == nil ? decision.previews : order.previews
        let variant = NewCommand.variant(on: order.view, previews: previews, plan: order.planID)
        let secret = Secret()
        let now = time.now()
        let command = try await commands.repeated(
            NamedOrder(
                keyID: principal.keyID, idempotencyKey: key, instanceID: instanceID,
                argv: decision.argv, variant: variant, askedTimeout: order.timeoutSeconds, at: now),
            resultDigest: secret.digest,
            noting: AuditEntry(
                time: now, event: .commandRepeated, accountID: principal.account.id,
                keyID: principal.keyID, instanceID: instanceID, text: text, decision: decision,
                detail: variant.isEmpty ? nil : variant, address: principal.address))
        return command.map { AcceptedCommand(command: $0, resultSecret: secret) }
    }

    private func send(_ command: Command) async throws {
        if command.state == .dispatched {
            dispatcher.dispatch(command)
        } else if dispatcher.isConnected(command.machineID),
            let next = try await commands.advance(command.id, to: .dispatched, startedAt: nil),
            !next.command.state.isTerminal
        {
            // The link was opened after we had looked, and may have been resumed before we wrote. Whoever
            // moved it on may have sent it on a link that is dead; an agent takes it once.
            dispatcher.dispatch(next.command)
        }
    }

    /// Takes up what a former process accepted last, before the first order.
    ///
    /// It may have ended between a command and its answer, and whose caller was told, nobody knows.
    package func takeUpUnanswered() async throws {
        let time = time.now() - UndeliveredAnswers.memory / .seconds(1)
        for id in try await commands.recentCommands(after: time, limit: Self.maximumUnanswered) {
            undelivered.gotLost(id)
        }
    }

    private static let maximumUnanswered = 1000

    /// The answer to an order that changes something is to be written.
    ///
    /// Until it has arrived, and for five seconds when it does not, a client that sends the same order again means the same
    /// command (design.md, "The wire").
    package func answering(_ command: Command) { undelivered.begin(command.id) }

    /// The caller was told of the command.
    package func answered(_ command: Command) { undelivered.arrived(command.id) }

    /// The caller was not told.
    package func answerGotLost(_ command: Command) { undelivered.gotLost(command.id) }

    /// The decision alone; nothing is stored or run.
    package func decision(
        _ order: CommandOrder, on id: Instance.ID, as principal: Principal
    ) async throws -> Decision {
        _ = try await access.instance(id, as: principal, to: .execute)
        return decide(order, principal).decision
    }

    /// Says of an order that is to be given later what can be said now; nothing is stored or run.
    ///
    /// - Throws: ``ControlPlaneError``: `instance_not_found`, `container_gone`, `command_refused` or
    ///   `invalid_arguments`.
    func check(_ order: CommandOrder, on id: Instance.ID, as principal: Principal) async throws {
        let decision = try await decision(order, on: id, as: principal)
        if let denial = decision.denial { throw refusals.error(denial, decision) }
        _ = try timeout(order, decision)
    }

    private func decide(
        _ order: CommandOrder, _ principal: Principal
    ) -> (text: String, decision: Decision) {
        var scope = principal.scope.commandScope
        // A preview changes nothing, so a key that may change nothing may ask for one.
        if order.previews { scope.writes = true }
        var (text, decision) =
            switch order.input {
            case .text(let text): (text, policy.decide(text, on: order.view, scope: scope))
            case .argv(let argv):
                (
                    (try? ParsedCommand.words(argv))?.text ?? argv.joined(separator: " "),
                    policy.decide(argv: argv, on: order.view, scope: scope)
                )
            }
        if order.previews, decision.verdict == .allow, decision.writes {
            decision.previews = true
            decision.writes = false
        }
        return (text, bounded(decision))
    }

    /// No more is kept than the operator says, whatever the policy allows.
    private func bounded(_ decision: Decision) -> Decision {
        var decision = decision
        let limit = min(decision.limits?.outputBytes ?? .max, Int(outputLimit))
        decision.limits?.outputBytes = limit
        return decision
    }

    /// - Throws: `invalid_arguments` when the caller wants more time than the rule gives.
    private func timeout(_ order: CommandOrder, _ decision: Decision) throws -> Int {
        let limits = decision.limits ?? CommandLimits()
        let seconds = order.timeoutSeconds ?? limits.wallSeconds
        guard seconds <= limits.maximumWallSeconds else {
            throw ControlPlaneError(
                .invalidArguments,
                "timeout must be at most \(limits.maximumWallSeconds) for this command.")
        }
        return seconds
    }

    /// What a command that removes is to do; nil for every other.
    private func removalOrder(
        _ order: CommandOrder, _ decision: Decision, on instance: Instance,
        as principal: Principal
    ) async throws -> RemovalOrder? {
        guard decision.writes || decision.previews else {
            guard order.planID == nil else {
                throw ControlPlaneError(
                    .invalidArguments, "A plan belongs to a command that removes something.")
            }
            return nil
        }
        var removal = RemovalOrder(previews: decision.previews)
        guard let id = order.planID else { return removal }
        let plan = try await commands.command(id)
        guard let plan, principal.sees(plan), plan.decision.previews,
            plan.instanceID == instance.id, plan.containerID == instance.containerID,
            plan.decision.argv == decision.argv, plan.decision.paths == decision.paths
        else {
            throw ControlPlaneError(
                .invalidArguments,
                "plan must be the id of a dry run of this same command on this instance.")
        }
        guard let digest = plan.outcome?.removal?.digest else {
            throw ControlPlaneError(
                .invalidArguments,
                "The dry run \(id) has not come to an end that could be applied (\(plan.state.rawValue))."
            )
        }
        removal.expectedDigest = digest
        return removal
    }
}
