internal import CommandPolicy
internal import ControlPlane

// What holds for scheduled jobs.

extension StoreConformance {
    /// All checks of them.
    static var scheduleChecks: [Check] {
        [
            Check(name: "jobs are kept, once for what they do, and bounded") {
                try await $0.jobsAreKept()
            },
            Check(name: "accounts take turns") { try await $0.turnsOfAccounts() },
            Check(name: "a due time is decided on once") { try await $0.dueTimes() },
            Check(name: "a due time ends once, and its job with the last") {
                try await $0.endsOfDueTimes()
            },
        ]
    }
}

extension World {
    /// A job that is due at each full hour, ordered at the time 0.
    fileprivate func job(
        _ command: String = "ls", frequency: Recurrence.Frequency = .hourly, at time: Double = 0
    ) throws -> NewScheduledJob {
        NewScheduledJob(
            accountID: account.id, keyID: key.id, instanceID: instance.id,
            action: .execute(try ScheduledCommand(CommandOrder(input: .text(command)))),
            recurrence: try Recurrence(
                frequency, day: nil, hour: frequency == .hourly ? nil : 1, minute: nil, from: 0,
                through: 100_000), orderedAt: time)
    }
}

extension JobChange {
    fileprivate var job: ScheduledJob? {
        if case .kept(let job) = self { job } else { nil }
    }
}

extension StoreConformance {
    func jobsAreKept() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let account = world.account.id
        guard let first = try await store.addJob(world.job(), limit: 2).job else {
            return ["a job is kept"]
        }
        found.check(first.nextDueAt == 3600, "it is due after it was ordered")
        found.check(
            try await store.addJob(world.job(), limit: 2) == .exists(first.id),
            "the same as often is the same job")
        let second = try await store.addJob(world.job(frequency: .daily), limit: 2).job
        found.check(second != nil && second?.id != first.id, "another frequency is another job")
        found.check(
            try await store.addJob(world.job("ls é"), limit: 2) == .full, "an account has a bound")
        found.check(
            try await store.jobs(account: account).map(\.id) == [first.id, second?.id ?? 0],
            "jobs are listed by their ids")
        found.check(
            try await store.changeJob(first.id, to: world.job(frequency: .daily))
                == .exists(second?.id ?? 0), "no job becomes the same as another")
        let changed = try await store.changeJob(first.id, to: world.job("du é", at: 7000))?.job
        found.check(changed?.id == first.id && changed?.nextDueAt == 7200, "a job is changed")
        found.check(
            try await store.job(first.id, account: account) == changed, "and found as it is")
        found.check(
            try await store.job(first.id, account: account + 1) == nil, "by its account alone")
        found.check(
            try await !store.removeJob(
                first.id, account: account + 1, orderedBy: world.key.id, at: 1),
            "nobody else removes it")
        found.check(
            try await store.removeJob(first.id, account: account, orderedBy: world.key.id, at: 1),
            "its account does")
        found.check(try await store.job(first.id, account: account) == nil, "then it is gone")
        let month = 31 * 86_400.0
        let late = try await store.addJob(world.job("ls late", at: 100_000 + month), limit: 1).job
        found.check(late != nil, "jobs that ended long ago make room")
        found.check((late?.id ?? 0) > (second?.id ?? 0), "ids are never reused")
        let events = try await store.auditEntries(after: 0, limit: 100).compactMap(\.entry?.event)
            .filter { $0 != .keyCreated }
        found.check(
            events == [.jobCreated, .jobCreated, .jobChanged, .jobDeleted, .jobCreated],
            "each change has its entry in the audit log")
        return found.list
    }

    func dueTimes() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        guard let job = try await store.addJob(world.job(), limit: 9).job else {
            return ["a job is kept"]
        }
        found.check(try await store.earliestDueTime() == 3600, "the earliest due time is known")
        found.check(try await store.dueJobs(at: 3599, limit: 9).isEmpty, "nothing is due before")
        found.check(try await store.dueJobs(at: 3600, limit: 9) == [job], "and then it is")
        let decision = JobDecision(job, at: 7300, grace: 300)
        let all = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<10 { group.addTask { try await store.decide(decision) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        found.check(all.filter(\.self).count == 1, "of many who decide, one does")
        let open = try await store.openRuns(limit: 9)
        found.check(
            open.map(\.run) == [JobRun(jobID: job.id, dueAt: 7200)], "and there is one due time")
        found.check(open.first?.job.nextDueAt == 10_800, "with its job as it is then")
        found.check(open.first?.job.skippedCount == 1, "which counts what passed")
        // A job that was changed comes to the same due time again.
        _ = try await store.changeJob(job.id, to: world.job(at: 7100))
        guard let again = try await store.job(job.id, account: world.account.id) else {
            return ["the job is there"]
        }
        found.check(
            try await store.decide(JobDecision(again, at: 7200, grace: 300)), "it is decided on")
        found.check(try await store.openRuns(limit: 9).count == 1, "and not fired twice")
        return found.list
    }

    func turnsOfAccounts() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let many = try await World(store, name: "many")
        for (index, hour) in (0..<6).enumerated() {
            let job = try await store.addJob(many.job("ls \(index)", at: Double(hour)), limit: 9)
                .job
            if let job { _ = try await store.decide(JobDecision(job, at: 3600, grace: 3600)) }
        }
        guard let job = try await store.addJob(world.job(at: 100), limit: 9).job else {
            return ["a job is kept"]
        }
        _ = try await store.decide(JobDecision(job, at: 3700, grace: 3600))
        let first = try await store.openRuns(limit: 2).map(\.job.accountID)
        found.check(
            Set(first) == [world.account.id, many.account.id],
            "the due times of one account hold up no other's")
        return found.list
    }

    func endsOfDueTimes() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        guard let job = try await store.addJob(world.job(), limit: 9).job else {
            return ["a job is kept"]
        }
        _ = try await store.decide(JobDecision(job, at: 3600, grace: 300))
        guard var run = try await store.openRuns(limit: 9).first?.run else {
            return ["a due time is open"]
        }
        run.begunAt = 3601
        run.note = "soon"
        try await store.noteRun(run)
        found.check(
            try await store.openRuns(limit: 9).map(\.run) == [run], "what was begun is kept")
        run.state = .fired
        run.commandID = 5
        run.note = nil
        try await store.endRun(run, isLast: false, at: 3602)
        found.check(try await store.openRuns(limit: 9).isEmpty, "then it is not open any more")
        var ended = try await store.job(job.id, account: world.account.id)
        found.check(ended?.lastRun == run && ended?.firedCount == 1, "and its job says so")
        run.state = .lost
        try await store.endRun(run, isLast: true, at: 3603)
        ended = try await store.job(job.id, account: world.account.id)
        found.check(
            ended?.lastRun?.state == .fired && ended?.nextDueAt == 7200, "an end never changes")
        if let ended {
            _ = try await store.decide(JobDecision(ended, at: 7200, grace: 300))
        }
        try await store.endRun(
            JobRun(jobID: job.id, dueAt: 7200, state: .refused, note: "no"), isLast: true, at: 7201)
        ended = try await store.job(job.id, account: world.account.id)
        found.check(
            ended?.nextDueAt == nil && ended?.skippedCount == 1 && ended?.firedCount == 1,
            "the last ends its job")
        found.check(try await store.earliestDueTime() == nil, "and nothing is due any more")
        let entry = try await store.auditEntries(after: 0, limit: 100).compactMap(\.entry).last
        found.check(
            entry?.event == .jobRefused && entry?.detail == "job \(job.id), due 7200: no",
            "why is in the audit log")
        return found.list
    }
}
