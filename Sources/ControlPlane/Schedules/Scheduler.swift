package import Logging
internal import ServiceLifecycle

/// Does what is due, for those who ordered it.
///
/// First it writes down that a due time is to be fired, then it fires it: so a due time is decided on once, and one
/// that a former process decided on and did not come to is taken up. A command is named by its due time, so that giving
/// it twice is giving it once; a reboot is not repeated. Of the due times that passed while nobody was there, the
/// last is fired if it is within ``grace``; the others are counted.
package struct Scheduler: Service {
    private let jobs: any ScheduleStore
    private let accounts: any AccountStore
    private let actions: any JobActions
    private let bell: ScheduleBell
    private let time: WallTime
    private let logger: Logger

    package init(
        jobs: any ScheduleStore, accounts: any AccountStore, actions: any JobActions,
        bell: ScheduleBell, time: WallTime, logger: Logger
    ) {
        self.jobs = jobs
        self.accounts = accounts
        self.actions = actions
        self.bell = bell
        self.time = time
        self.logger = logger
    }

    /// For how many seconds after its due time a job may be fired.
    package static let grace = 300.0

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // Before the look, so that no change falls between.
                let place = bell.place()
                var wake: Double?
                do {
                    wake = try await tick()
                } catch {
                    logger.error(
                        "schedule not looked at",
                        metadata: ["error": "\(String(reflecting: error))"])
                    wake = time.now() + Self.pause
                }
                await place.wait(until: wake, by: time)
            }
        }
    }

    /// One look: decides on all that is due, and fires what was decided on.
    ///
    /// - Returns: When to look again, in Unix seconds; nil when nothing is to come.
    /// - Throws: What the store throws.
    package func tick() async throws -> Double? {
        let now = time.now()
        var due: [ScheduledJob]
        repeat {
            try Task.checkCancellation()
            due = try await jobs.dueJobs(at: now, limit: Self.pageSize)
            // At once: the store writes them together.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for job in due {
                    group.addTask {
                        _ = try await jobs.decide(JobDecision(job, at: now, grace: Self.grace))
                    }
                }
                try await group.waitForAll()
            }
        } while !due.isEmpty
        var again = try await fireOpenRuns()
        if let next = try await jobs.earliestDueTime() { again.append(next) }
        return again.min()
    }

    /// - Returns: When those that could not be fired now are to be tried again.
    private func fireOpenRuns() async throws -> [Double] {
        let open = try await jobs.openRuns(limit: Self.pageSize)
        var again: [Double] = []
        await withTaskGroup(of: Double?.self) { group in
            var rest = open[...]
            for (job, run) in rest.prefix(Self.width) {
                group.addTask { await settle(job, run) }
            }
            rest = rest.dropFirst(Self.width)
            for await retry in group {
                if let retry { again.append(retry) }
                if let (job, run) = rest.popFirst() {
                    group.addTask { await settle(job, run) }
                }
            }
        }
        // There may be more behind these.
        if open.count == Self.pageSize, again.count < open.count { again.append(time.now()) }
        return again
    }

    /// Fires a due time and writes down what came of it; when to try again, if it has not ended.
    private func settle(_ job: ScheduledJob, _ run: JobRun) async -> Double? {
        do {
            return try await fire(job, run)
        } catch is CancellationError {
            return nil
        } catch {
            logger.error(
                "scheduled job not fired",
                metadata: [
                    "boathook.job.id": "\(job.id)", "error": "\(String(reflecting: error))",
                ])
            return time.now() + Self.pause
        }
    }

    private func fire(_ job: ScheduledJob, _ run: JobRun) async throws -> Double? {
        var run = run
        do {
            guard run.begunAt == nil else { return try await end(run, .lost, Self.unknown) }
            guard time.now() - run.dueAt <= Self.grace else {
                let reason = run.note.map { "; at last: \($0)" } ?? ""
                return try await end(
                    run, .missed, "it could not be fired within \(Int(Self.grace)) s\(reason)")
            }
            let principal = try await principal(of: job)
            try principal.check(job.action, on: job.instanceID)
            run.commandID = try await perform(job, run, as: principal)
            return try await end(run, .fired, nil)
        } catch let error as ControlPlaneError {
            let reason = "\(error.code): \(error.message)"
            if Self.mayPass.contains(error.code) {
                run.note = reason
                try await jobs.noteRun(run)
                return time.now() + max(Self.pause, error.retryAfter ?? 0)
            }
            return try await end(
                run, .refused, reason, isLast: Self.neverPasses.contains(error.code))
        }
    }

    private func end(
        _ run: JobRun, _ state: JobRun.State, _ note: String?, isLast: Bool = false
    ) async throws -> Double? {
        var run = run
        run.state = state
        run.note = note
        try await jobs.endRun(run, isLast: isLast, at: time.now())
        return nil
    }

    /// Whoever ordered the job, as they are now.
    private func principal(of job: ScheduledJob) async throws -> Principal {
        guard let principal = try await accounts.principal(key: job.keyID, at: time.now()) else {
            throw ControlPlaneError(
                .unauthenticated, "The key that ordered this job is revoked, or has ended.")
        }
        return principal
    }

    private func perform(
        _ job: ScheduledJob, _ run: JobRun, as principal: Principal
    ) async throws -> Command.ID? {
        switch job.action {
        case .execute(let command):
            return try await actions.execute(
                command.order(idempotencyKey: run.idempotencyKey), on: job.instanceID,
                as: principal)
        case .reboot:
            var begun = run
            begun.begunAt = time.now()
            try await jobs.noteRun(begun)
            // A refusal comes before anything is done, and takes this back where it may pass.
            try await actions.reboot(job.instanceID, as: principal)
            return nil
        }
    }

    /// Refusals that may pass within the grace: machines that have no link yet come back after a start.
    private static let mayPass: Set<ControlPlaneError.Code> = [
        .tooFrequent, .queueFull, .instanceNotReady,
    ]
    /// Refusals after which every later one would be the same.
    private static let neverPasses: Set<ControlPlaneError.Code> = [
        .unauthenticated, .instanceNotFound, .containerGone,
    ]
    private static let pageSize = 500
    /// How many are fired at a time.
    private static let width = 16
    /// Seconds until what did not go is tried again.
    private static let pause = 5.0
    private static let unknown = "nobody knows whether it was done; it was not done again"
}
