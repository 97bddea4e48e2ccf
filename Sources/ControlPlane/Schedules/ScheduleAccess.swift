/// The only way to an account's scheduled jobs for a caller: the lookup is the authorisation.
///
/// Whoever orders a job must be allowed to do at once what it does; whether they still are is asked again each time.
package struct ScheduleAccess: Sendable {
    private let jobs: any ScheduleStore
    private let instances: InstanceAccess
    private let execute: ExecuteCommand
    private let bell: ScheduleBell
    private let time: WallTime

    package init(
        jobs: any ScheduleStore, instances: InstanceAccess, execute: ExecuteCommand,
        bell: ScheduleBell, time: WallTime
    ) {
        self.jobs = jobs
        self.instances = instances
        self.execute = execute
        self.bell = bell
        self.time = time
    }

    /// The jobs that the principal sees, by ascending id.
    package func jobs(of principal: Principal) async throws -> [ScheduledJob] {
        try await jobs.jobs(account: principal.account.id).filter { principal.sees($0) }
    }

    /// - Throws: ``ControlPlaneError/Code/jobNotFound``, the same for a job that is absent, somebody else's, or not
    ///   for the key to see.
    package func job(_ id: ScheduledJob.ID, as principal: Principal) async throws -> ScheduledJob {
        guard let job = try await jobs.job(id, account: principal.account.id), principal.sees(job)
        else { throw Self.notFound }
        return job
    }

    /// Keeps a new job.
    ///
    /// - Parameters:
    ///   - action: What it does.
    ///   - instance: Where.
    ///   - recurrence: When.
    ///   - principal: Who orders it, and as whom it is done.
    /// - Returns: The job, or that there is one like it.
    /// - Throws: ``ControlPlaneError``: `invalid_arguments` when it would never be due, or the account has as many as
    ///   it may; what its action would be refused with now.
    package func make(
        _ action: JobAction, on instance: Instance.ID, at recurrence: Recurrence,
        as principal: Principal
    ) async throws -> JobChange {
        let job = try await ordered(action, on: instance, at: recurrence, as: principal)
        return try checked(try await jobs.addJob(job, limit: Self.maximumCount))
    }

    /// Makes a job another one; it is the principal's from then on.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - action: What it is to do.
    ///   - instance: Where.
    ///   - recurrence: When.
    ///   - principal: Who orders that.
    /// - Returns: As ``make(_:on:at:as:)``.
    /// - Throws: The same, and ``ControlPlaneError/Code/jobNotFound``.
    package func change(
        _ id: ScheduledJob.ID, to action: JobAction, on instance: Instance.ID,
        at recurrence: Recurrence, as principal: Principal
    ) async throws -> JobChange {
        _ = try await job(id, as: principal)
        let job = try await ordered(action, on: instance, at: recurrence, as: principal)
        guard let change = try await jobs.changeJob(id, to: job) else { throw Self.notFound }
        return try checked(change)
    }

    /// - Throws: ``ControlPlaneError/Code/jobNotFound``.
    package func remove(_ id: ScheduledJob.ID, as principal: Principal) async throws {
        _ = try await job(id, as: principal)
        guard
            try await jobs.removeJob(
                id, account: principal.account.id, orderedBy: principal.keyID, at: time.now())
        else { throw Self.notFound }
        bell.ring()
    }

    private func ordered(
        _ action: JobAction, on instance: Instance.ID, at recurrence: Recurrence,
        as principal: Principal
    ) async throws -> NewScheduledJob {
        try principal.check(action, on: instance)
        switch action {
        case .execute(let command):
            try await execute.check(
                command.order(idempotencyKey: nil), on: instance, as: principal)
        case .reboot:
            _ = try await instances.instance(instance, as: principal, to: .execute)
        }
        let job = NewScheduledJob(
            accountID: principal.account.id, keyID: principal.keyID, instanceID: instance,
            action: action, recurrence: recurrence, orderedAt: time.now())
        guard job.nextDueAt != nil else {
            throw ControlPlaneError(
                .invalidArguments, "Such a job would never be due: its end comes before.")
        }
        return job
    }

    private func checked(_ change: JobChange) throws -> JobChange {
        if change == .full {
            throw ControlPlaneError(
                .invalidArguments,
                "The account has \(Self.maximumCount) scheduled jobs; delete some first.")
        }
        bell.ring()
        return change
    }

    /// What upstream lists at most (contract 1.4).
    package static let maximumCount = 2048
    private static let notFound = ControlPlaneError(.jobNotFound, "Scheduled job not found.")
}

extension Principal {
    /// Whether there is such a job for it: what a job does tells of its instance, as a command does.
    fileprivate func sees(_ job: ScheduledJob) -> Bool {
        guard job.accountID == account.id else { return false }
        return job.keyID == keyID || !scope.seesOwnCommandsOnly
    }
}
