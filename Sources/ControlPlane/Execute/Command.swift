package import AgentLink
package import CommandPolicy

/// One accepted command, from its acceptance to its end and after.
package struct Command: Sendable, Hashable, Identifiable {
    package typealias ID = Int64
    package var id: ID
    package var accountID: Account.ID
    package var keyID: APIKey.ID
    package var instanceID: Instance.ID
    package var machineID: Machine.ID
    package var containerID: String
    /// As the caller wrote it.
    package var text: String
    package var decision: Decision
    /// What a command that removes is to do and may do; nil for every other.
    package var removalOrder: RemovalOrder?
    package var state: CommandState
    /// Wall-clock limit in seconds, from its start.
    package var timeoutSeconds: Int
    /// Unix seconds of acceptance; and until when it may start, by ``WallTime/steady()``.
    package var createdAt: Double
    package var startBy: Double
    /// Of the secret in its result URL.
    package var resultDigest: SecretDigest
    /// Unix seconds after which the result URL is as one that never was; while the command is open, that is later.
    package var resultExpiresAt: Double
    /// Unix seconds of the wish that it end, if its machine had it then.
    package var cancelRequestedAt: Double?
    /// By the machine's clock, Unix seconds.
    package var startedAt: Double?
    /// Unix seconds of its terminal state.
    package var finishedAt: Double?
    /// What came out; nil until the terminal state.
    package var outcome: CommandOutcome?

    package init(
        id: ID, accountID: Account.ID, keyID: APIKey.ID, instanceID: Instance.ID,
        machineID: Machine.ID, containerID: String, text: String, decision: Decision,
        removalOrder: RemovalOrder? = nil, state: CommandState, timeoutSeconds: Int,
        createdAt: Double, startBy: Double,
        resultDigest: SecretDigest, resultExpiresAt: Double, cancelRequestedAt: Double? = nil,
        startedAt: Double? = nil, finishedAt: Double? = nil, outcome: CommandOutcome? = nil
    ) {
        self.id = id
        self.accountID = accountID
        self.keyID = keyID
        self.instanceID = instanceID
        self.machineID = machineID
        self.containerID = containerID
        self.text = text
        self.decision = decision
        self.removalOrder = removalOrder
        self.state = state
        self.timeoutSeconds = timeoutSeconds
        self.createdAt = createdAt
        self.startBy = startBy
        self.resultDigest = resultDigest
        self.resultExpiresAt = resultExpiresAt
        self.cancelRequestedAt = cancelRequestedAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.outcome = outcome
    }
}

/// A command before the store has given it its id.
package struct NewCommand: Sendable {
    package var accountID: Account.ID
    package var keyID: APIKey.ID
    package var instance: Instance
    package var text: String
    package var decision: Decision
    /// For a command that removes; the store narrows it by ``deletionBudget``.
    package var removalOrder: RemovalOrder?
    /// The plan that it applies, if there is one.
    package var planID: Command.ID?
    /// How much the key may remove in a day, if that is bounded and the command removes.
    package var deletionBudget: DeletionBudget?
    package var timeoutSeconds: Int
    /// The limit that the caller asked for, if it did.
    package var askedTimeoutSeconds: Int?
    package var createdAt: Double
    package var startBy: Double
    package var resultDigest: SecretDigest
    /// Until when the result would be kept of a command that ended at its acceptance.
    package var resultExpiresAt: Double
    /// The caller's own name for this order, if it gave one.
    package var idempotencyKey: String?
    /// Ended commands that this one repeats if it is equal: their answers did not reach the caller.
    package var undelivered: [Command.ID]
    /// `dispatched` when the machine's link is open at that moment, `queued` otherwise.
    package var state: CommandState
    /// From where it was ordered, for the audit log; nil where that is not known, and for what a schedule orders.
    package var address: String?

    package init(
        accountID: Account.ID, keyID: APIKey.ID, instance: Instance, text: String,
        decision: Decision, removalOrder: RemovalOrder? = nil, planID: Command.ID? = nil,
        deletionBudget: DeletionBudget? = nil, timeoutSeconds: Int, createdAt: Double,
        startBy: Double, resultDigest: SecretDigest, resultExpiresAt: Double,
        idempotencyKey: String? = nil,
        undelivered: [Command.ID] = [], state: CommandState
    ) {
        self.accountID = accountID
        self.keyID = keyID
        self.idempotencyKey = idempotencyKey
        self.undelivered = undelivered
        self.instance = instance
        self.text = text
        self.decision = decision
        self.removalOrder = removalOrder
        self.planID = planID
        self.deletionBudget = deletionBudget
        self.timeoutSeconds = timeoutSeconds
        self.createdAt = createdAt
        self.startBy = startBy
        self.resultDigest = resultDigest
        self.resultExpiresAt = resultExpiresAt
        self.state = state
    }

    /// The command that this becomes under the id that the store gave it.
    package func command(id: Command.ID) -> Command {
        Command(
            id: id, accountID: accountID, keyID: keyID, instanceID: instance.id,
            machineID: instance.machineID, containerID: instance.containerID ?? "", text: text,
            decision: decision, removalOrder: removalOrder, state: state,
            timeoutSeconds: timeoutSeconds, createdAt: createdAt, startBy: startBy,
            resultDigest: resultDigest,
            resultExpiresAt: resultExpiresAt)
    }
}

/// What a terminal state comes with.
package struct CommandOutcome: Sendable, Hashable {
    package var exitCode: Int?
    package var signal: Int?
    /// For people: what is known beside the state.
    package var note: String?
    package var stdoutBytes: Int64
    package var stderrBytes: Int64
    /// SHA-256 of the output in its order of arrival; lower-case hexadecimal.
    package var sha256: String
    /// False when a limit or an interruption cut the output short.
    package var isComplete: Bool
    /// Seconds from spawn to end of output.
    package var runtime: Double?
    /// What it removed, or, of a preview, would; nil when that is not known, and for what removes nothing.
    package var removal: Removal?

    package var outputBytes: Int64 { stdoutBytes + stderrBytes }

    package init(
        exitCode: Int? = nil, signal: Int? = nil, note: String? = nil, stdoutBytes: Int64 = 0,
        stderrBytes: Int64 = 0, sha256: String, isComplete: Bool = true, runtime: Double? = nil,
        removal: Removal? = nil
    ) {
        self.exitCode = exitCode
        self.signal = signal
        self.note = note
        self.stdoutBytes = stdoutBytes
        self.stderrBytes = stderrBytes
        self.sha256 = sha256
        self.isComplete = isComplete
        self.runtime = runtime
        self.removal = removal
    }
}
