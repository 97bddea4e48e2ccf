package import ControlPlane
internal import FoundationEssentials
internal import GRDB

extension SQLiteStore: ScheduleStore {
    package func addJob(_ job: NewScheduledJob, limit: Int) async throws -> JobChange {
        try await writes.write { db in
            let columns = try JobColumns(job)
            if let same = try columns.fetchSame(db, besides: nil) { return .exists(same) }
            try db.execute(
                sql: "DELETE FROM scheduled_job WHERE account_id = ? AND end_time < ?",
                arguments: [job.accountID, job.orderedAt - Self.endedJobSeconds])
            let count = try Int.fetchOne(
                db, sql: "SELECT count(*) FROM scheduled_job WHERE account_id = ?",
                arguments: [job.accountID])
            guard (count ?? 0) < limit else { return .full }
            try db.execute(
                sql: """
                    INSERT INTO scheduled_job (
                        account_id, key_id, instance_id, action, body, frequency, day_of_the_week,
                        hour_of_the_day, min_of_the_hour, start_time, end_time, next_due_at
                    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: columns.arguments)
            let id = db.lastInsertedRowID
            try AuditLogWriter.append(db, job.auditEntry(.jobCreated, id: id))
            return .kept(try ScheduledJob.fetch(db, id: id))
        }
    }

    package func changeJob(
        _ id: ScheduledJob.ID, to job: NewScheduledJob
    ) async throws -> JobChange? {
        try await writes.write { db in
            let columns = try JobColumns(job)
            if let same = try columns.fetchSame(db, besides: id) { return .exists(same) }
            try db.execute(
                sql: """
                    UPDATE scheduled_job SET (
                        account_id, key_id, instance_id, action, body, frequency, day_of_the_week,
                        hour_of_the_day, min_of_the_hour, start_time, end_time, next_due_at
                    ) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    WHERE id = ? AND account_id = ?
                    """,
                arguments: columns.arguments + [id, job.accountID])
            guard db.changesCount > 0 else { return nil }
            try AuditLogWriter.append(db, job.auditEntry(.jobChanged, id: id))
            return .kept(try ScheduledJob.fetch(db, id: id))
        }
    }

    package func removeJob(
        _ id: ScheduledJob.ID, account: Account.ID, orderedBy key: APIKey.ID, at time: Double
    ) async throws -> Bool {
        try await writes.write { db in
            let instance = try Int64.fetchOne(
                db, sql: "SELECT instance_id FROM scheduled_job WHERE id = ? AND account_id = ?",
                arguments: [id, account])
            guard let instance else { return false }
            try db.execute(sql: "DELETE FROM scheduled_job WHERE id = ?", arguments: [id])
            try AuditLogWriter.append(
                db,
                AuditEntry(
                    time: time, event: .jobDeleted, accountID: account, keyID: key,
                    instanceID: instance, detail: "job \(id)"))
            return true
        }
    }

    package func job(
        _ id: ScheduledJob.ID, account: Account.ID
    ) async throws -> ScheduledJob? {
        try await pool.read { db in
            try ScheduledJob.fetchAll(
                db, where: "job.id = ? AND job.account_id = ?", arguments: [id, account]
            ).first
        }
    }

    package func jobs(account: Account.ID) async throws -> [ScheduledJob] {
        try await pool.read { db in
            try ScheduledJob.fetchAll(
                db, where: "job.account_id = ? ORDER BY job.id", arguments: [account])
        }
    }

    package func earliestDueTime() async throws -> Double? {
        try await pool.read { db in
            try Double.fetchOne(
                db,
                sql: "SELECT min(next_due_at) FROM scheduled_job WHERE next_due_at IS NOT NULL")
        }
    }

    package func dueJobs(at time: Double, limit: Int) async throws -> [ScheduledJob] {
        try await pool.read { db in
            try ScheduledJob.fetchAll(
                db, where: "job.next_due_at <= ? ORDER BY job.next_due_at, job.id LIMIT ?",
                arguments: [time, limit])
        }
    }

    package func decide(_ decision: JobDecision) async throws -> Bool {
        try await writes.write { db in
            let job = decision.job
            try db.execute(
                sql: """
                    UPDATE scheduled_job SET next_due_at = ?, skipped = skipped + ?
                    WHERE id = ? AND next_due_at = ?
                    """,
                arguments: [decision.nextDueAt, decision.skippedCount, job.id, job.nextDueAt])
            guard db.changesCount > 0 else { return false }
            if let dueAt = decision.dueAt {
                // A job that was changed may come to a due time that it had before.
                try db.execute(
                    sql: """
                        INSERT INTO scheduled_run (job_id, due_at) VALUES (?, ?)
                        ON CONFLICT (job_id, due_at) DO NOTHING
                        """,
                    arguments: [job.id, dueAt])
                try db.execute(
                    sql: """
                        DELETE FROM scheduled_run
                        WHERE job_id = ? AND due_at < ? AND state IS NOT NULL
                        """,
                    arguments: [job.id, dueAt - Self.endedRunSeconds])
            }
            if decision.skippedCount > 0 {
                try AuditLogWriter.append(
                    db,
                    job.auditEntry(
                        .jobMissed, at: decision.time,
                        detail: "\(decision.skippedCount) due times passed without it"))
            }
            return true
        }
    }

    package func openRuns(limit: Int) async throws -> [(job: ScheduledJob, run: JobRun)] {
        try await pool.read { db in
            let runs = try Row.fetchAll(
                db,
                // By turns: what one account's jobs wait for holds up no other's.
                sql: """
                    SELECT scheduled_run.*, row_number() OVER (
                        PARTITION BY account_id ORDER BY due_at, job_id
                    ) AS turn
                    FROM scheduled_run JOIN scheduled_job ON scheduled_job.id = job_id
                    WHERE scheduled_run.state IS NULL ORDER BY turn, due_at LIMIT ?
                    """,
                arguments: [limit]
            ).map(JobRun.init(row:))
            return try runs.map { (try ScheduledJob.fetch(db, id: $0.jobID), $0) }
        }
    }

    package func noteRun(_ run: JobRun) async throws {
        try await writes.write { db in
            try db.execute(
                sql: """
                    UPDATE scheduled_run SET begun_at = ?, note = ?
                    WHERE job_id = ? AND due_at = ? AND state IS NULL
                    """,
                arguments: [run.begunAt, run.note, run.jobID, run.dueAt])
        }
    }

    package func endRun(_ run: JobRun, isLast: Bool, at time: Double) async throws {
        try await writes.write { db in
            try db.execute(
                sql: """
                    UPDATE scheduled_run SET state = ?, command_id = ?, note = ?
                    WHERE job_id = ? AND due_at = ? AND state IS NULL
                    """,
                arguments: [
                    run.state?.rawValue, run.commandID, run.note, run.jobID, run.dueAt,
                ])
            // It was deleted meanwhile, or has ended.
            guard db.changesCount > 0 else { return }
            let job = try ScheduledJob.fetch(db, id: run.jobID)
            let hasFired = run.state == .fired
            try db.execute(
                sql: """
                    UPDATE scheduled_job SET
                        fired = fired + ?, skipped = skipped + ?,
                        next_due_at = CASE WHEN ? THEN NULL ELSE next_due_at END
                    WHERE id = ?
                    """,
                arguments: [hasFired ? 1 : 0, hasFired ? 0 : 1, isLast, run.jobID])
            let event: AuditEntry.Event =
                switch run.state {
                case .fired: .jobFired
                case .refused: .jobRefused
                default: .jobMissed
                }
            try AuditLogWriter.append(
                db,
                job.auditEntry(
                    event, at: time, command: run.commandID,
                    detail: "due \(Int64(run.dueAt))" + (run.note.map { ": \($0)" } ?? "")))
        }
    }

    /// For how long a job stays after its end, at least, and a due time after it was decided on.
    private static let endedJobSeconds = 30 * 86_400.0
    private static let endedRunSeconds = 30 * 86_400.0
}

extension NewScheduledJob {
    fileprivate func auditEntry(_ event: AuditEntry.Event, id: ScheduledJob.ID) -> AuditEntry {
        AuditEntry(
            time: orderedAt, event: event, accountID: accountID, keyID: keyID,
            instanceID: instanceID, text: action.text, detail: "job \(id)")
    }
}

extension ScheduledJob {
    fileprivate func auditEntry(
        _ event: AuditEntry.Event, at time: Double, command: Command.ID? = nil, detail: String
    ) -> AuditEntry {
        AuditEntry(
            time: time, event: event, accountID: accountID, keyID: keyID, instanceID: instanceID,
            commandID: command, text: action.text, detail: "job \(id), \(detail)")
    }
}

extension JobAction {
    /// As the audit log has it.
    fileprivate var text: String {
        switch self {
        case .reboot: "reboot"
        case .execute(let command):
            switch command.input {
            case .text(let text): text
            case .argv(let argv): argv.joined(separator: " ")
            }
        }
    }
}
