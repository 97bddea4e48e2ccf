/// Something that is done on an instance again and again.
package struct ScheduledJob: Sendable, Hashable, Identifiable {
    package typealias ID = Int64
    package var id: ID
    package var accountID: Account.ID
    /// Whose key's permissions count, each time anew: that of who ordered it last.
    package var keyID: APIKey.ID
    package var instanceID: Instance.ID
    package var action: JobAction
    package var recurrence: Recurrence
    /// Unix seconds; nil when it is never due again.
    package var nextDueAt: Double?
    /// How many due times it was fired at, and how many passed without.
    package var firedCount: Int64
    package var skippedCount: Int64
    /// Its newest due time, if any was decided on.
    package var lastRun: JobRun?

    package init(
        id: ID, accountID: Account.ID, keyID: APIKey.ID, instanceID: Instance.ID,
        action: JobAction, recurrence: Recurrence, nextDueAt: Double?, firedCount: Int64 = 0,
        skippedCount: Int64 = 0, lastRun: JobRun? = nil
    ) {
        self.id = id
        self.accountID = accountID
        self.keyID = keyID
        self.instanceID = instanceID
        self.action = action
        self.recurrence = recurrence
        self.nextDueAt = nextDueAt
        self.firedCount = firedCount
        self.skippedCount = skippedCount
        self.lastRun = lastRun
    }
}

/// A job as somebody orders it, before the store has given it its id.
package struct NewScheduledJob: Sendable, Hashable {
    package var accountID: Account.ID
    package var keyID: APIKey.ID
    package var instanceID: Instance.ID
    package var action: JobAction
    package var recurrence: Recurrence
    /// When it was ordered, in Unix seconds; what was due before is nobody's wish.
    package var orderedAt: Double

    package init(
        accountID: Account.ID, keyID: APIKey.ID, instanceID: Instance.ID, action: JobAction,
        recurrence: Recurrence, orderedAt: Double
    ) {
        self.accountID = accountID
        self.keyID = keyID
        self.instanceID = instanceID
        self.action = action
        self.recurrence = recurrence
        self.orderedAt = orderedAt
    }

    package var nextDueAt: Double? { recurrence.next(after: orderedAt) }
}

/// One due time of a job at which it was decided to fire it.
package struct JobRun: Sendable, Hashable {
    /// How it ended.
    package enum State: String, Sendable, Hashable, CaseIterable {
        /// The order was given: see its command, if it became one.
        case fired
        /// Whoever ordered the job may not do that any more, or the order was not accepted.
        case refused
        /// It could not be fired within its grace.
        case missed
        /// Nobody knows whether it was done: the server ended in that moment. It is not repeated.
        case lost
    }

    package var jobID: ScheduledJob.ID
    /// Unix seconds.
    package var dueAt: Double
    /// When that was begun which must not be done twice; nil before, and for what may be.
    package var begunAt: Double?
    /// Nil until it has ended.
    package var state: State?
    package var commandID: Command.ID?
    /// For people: why not.
    package var note: String?

    package init(
        jobID: ScheduledJob.ID, dueAt: Double, begunAt: Double? = nil, state: State? = nil,
        commandID: Command.ID? = nil, note: String? = nil
    ) {
        self.jobID = jobID
        self.dueAt = dueAt
        self.begunAt = begunAt
        self.state = state
        self.commandID = commandID
        self.note = note
    }

    /// Under this name the order of this due time is one order, however often it is given.
    package var idempotencyKey: String { "schedule-\(jobID)-\(Int64(dueAt))" }
}
