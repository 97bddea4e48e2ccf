internal import ControlPlane
internal import GRDB

/// A job as its row has it.
struct JobColumns {
    private let job: NewScheduledJob
    private let action: String
    private let body: String

    init(_ job: NewScheduledJob) throws {
        self.job = job
        switch job.action {
        case .execute(let command): (action, body) = ("execute", try JSON.encode(command))
        case .reboot: (action, body) = ("reboot", "{}")
        }
    }

    /// In the order in which statements name the columns.
    var arguments: StatementArguments {
        let recurrence = job.recurrence
        return [
            job.accountID, job.keyID, job.instanceID, action, body, recurrence.frequency.rawValue,
            recurrence.dayOfTheWeek, recurrence.hourOfTheDay, recurrence.minuteOfTheHour,
            recurrence.startTime, recurrence.endTime, job.nextDueAt,
        ]
    }

    /// The account's job, another one than `id`, that does the same as often.
    func fetchSame(_ db: Database, besides id: ScheduledJob.ID?) throws -> ScheduledJob.ID? {
        try Int64.fetchOne(
            db,
            sql: """
                SELECT id FROM scheduled_job
                WHERE account_id = ? AND instance_id = ? AND action = ? AND body = ?
                    AND frequency = ? AND id IS NOT ?
                """,
            arguments: [
                job.accountID, job.instanceID, action, body, job.recurrence.frequency.rawValue, id,
            ])
    }
}

extension ScheduledJob {
    /// Jobs, each with its newest due time.
    ///
    /// - Parameters:
    ///   - db: The database.
    ///   - condition: Which ones, and in which order; the table is called `job`.
    ///   - arguments: The condition's.
    /// - Returns: The jobs.
    /// - Throws: What SQLite throws, and for a row that is none.
    static func fetchAll(
        _ db: Database, where condition: String, arguments: StatementArguments
    ) throws -> [ScheduledJob] {
        let jobs = try Row.fetchAll(
            db, sql: "SELECT * FROM scheduled_job AS job WHERE \(condition)", arguments: arguments
        ).map(ScheduledJob.init(row:))
        let newest = try db.cachedStatement(
            sql: "SELECT * FROM scheduled_run WHERE job_id = ? ORDER BY due_at DESC LIMIT 1")
        return try jobs.map { job in
            var job = job
            job.lastRun = try Row.fetchOne(newest, arguments: [job.id]).map(JobRun.init(row:))
            return job
        }
    }

    static func fetch(_ db: Database, id: ScheduledJob.ID) throws -> ScheduledJob {
        guard let job = try fetchAll(db, where: "job.id = ?", arguments: [id]).first else {
            throw DatabaseError(message: "there is no job \(id), and something refers to it")
        }
        return job
    }

    private init(row: Row) throws {
        let (action, frequency): (String, String) = (row["action"], row["frequency"])
        guard let frequency = Recurrence.Frequency(rawValue: frequency),
            ["execute", "reboot"].contains(action)
        else { throw DatabaseError(message: "unknown job \(action), \(frequency)") }
        self.init(
            id: row["id"], accountID: row["account_id"], keyID: row["key_id"],
            instanceID: row["instance_id"],
            action: action == "reboot" ? .reboot : .execute(try JSON.decode(row["body"])),
            recurrence: try Recurrence(
                frequency, day: row["day_of_the_week"], hour: row["hour_of_the_day"],
                minute: row["min_of_the_hour"], from: row["start_time"], through: row["end_time"]),
            nextDueAt: row["next_due_at"], firedCount: row["fired"], skippedCount: row["skipped"])
    }
}

extension JobRun {
    init(row: Row) throws {
        let state: String? = row["state"]
        self.init(
            jobID: row["job_id"], dueAt: row["due_at"], begunAt: row["begun_at"],
            state: try state.map { text in
                guard let state = State(rawValue: text) else {
                    throw DatabaseError(message: "unknown state \(text) of a due time")
                }
                return state
            },
            commandID: row["command_id"], note: row["note"])
    }
}
