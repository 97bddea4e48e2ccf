/// Scheduled jobs, and the due times that were decided on.
///
/// As with the other ports, a call that returned is durable; each change has its entry in the audit log in the same
/// transaction.
package protocol ScheduleStore: Sendable {
    /// Keeps a new job, unless the account has one that does the same as often, or `limit` of them. Jobs of the
    /// account that ended long before are removed.
    func addJob(_ job: NewScheduledJob, limit: Int) async throws -> JobChange
    /// Makes a job of the account another one, which is its key's from then on; nil when it has none of that id.
    func changeJob(_ id: ScheduledJob.ID, to job: NewScheduledJob) async throws -> JobChange?
    /// Removes a job and its due times, on the order of a key; returns whether the account had it.
    func removeJob(
        _ id: ScheduledJob.ID, account: Account.ID, orderedBy key: APIKey.ID, at time: Double
    ) async throws -> Bool
    /// The job if it is that account's, or nil.
    func job(_ id: ScheduledJob.ID, account: Account.ID) async throws -> ScheduledJob?
    /// The account's jobs by ascending id.
    func jobs(account: Account.ID) async throws -> [ScheduledJob]
    /// The earliest time at which any job is due.
    func earliestDueTime() async throws -> Double?
    /// Jobs that are due at `time`, those that have waited longest first.
    func dueJobs(at time: Double, limit: Int) async throws -> [ScheduledJob]
    /// Writes down what was decided about a job that was due: whether it is to be fired and when it is due next.
    ///
    /// - Returns: False, and nothing is written, when the job was changed since it was looked at.
    func decide(_ decision: JobDecision) async throws -> Bool
    /// Due times that were decided on and have not ended, with their jobs, oldest first.
    func openRuns(limit: Int) async throws -> [(job: ScheduledJob, run: JobRun)]
    /// Writes down when something was begun in a due time that has not ended, and what there is to say of it.
    func noteRun(_ run: JobRun) async throws
    /// Ends a due time, if it has not ended.
    ///
    /// - Parameters:
    ///   - run: With its state.
    ///   - isLast: Whether its job is never due again.
    ///   - time: Now.
    /// - Throws: What the store throws.
    func endRun(_ run: JobRun, isLast: Bool, at time: Double) async throws
}

/// What came of an order to keep a job.
package enum JobChange: Sendable, Hashable {
    case kept(ScheduledJob)
    /// Another one does the same as often.
    case exists(ScheduledJob.ID)
    /// The account has as many as it may.
    case full
}

/// What is to become of a job that is due.
package struct JobDecision: Sendable, Hashable {
    package var job: ScheduledJob
    /// The due time at which it is to be fired; nil when all of them are too long ago.
    package var dueAt: Double?
    /// How many due times passed without.
    package var skippedCount: Int
    package var nextDueAt: Double?
    /// Now.
    package var time: Double

    /// - Parameters:
    ///   - job: A job that is due.
    ///   - time: Now.
    ///   - grace: For how many seconds after a due time it may be fired.
    package init(_ job: ScheduledJob, at time: Double, grace: Double) {
        self.job = job
        self.time = time
        nextDueAt = job.recurrence.next(after: time)
        let first = job.nextDueAt ?? time
        let last = job.recurrence.last(through: time) ?? first
        let count = job.recurrence.count(from: first, through: last)
        dueAt = time - last <= grace ? last : nil
        skippedCount = dueAt == nil ? count : count - 1
    }
}
