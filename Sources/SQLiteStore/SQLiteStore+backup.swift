internal import AgentLink
package import ControlPlane
internal import GRDB

extension SQLiteStore {
    /// Copies the database as of one moment into a new file, while others read and write.
    ///
    /// - Parameter path: Of the copy.
    /// - Returns: The commands whose results the copy knows.
    /// - Throws: `DatabaseError`.
    @discardableResult
    package func backUp(to path: String) async throws -> [Command.ID] {
        let target = try DatabaseQueue(path: path)
        try pool.backup(to: target)
        let ids = try await target.read { try Self.keptResults($0) }
        try target.close()
        return ids
    }

    /// The commands whose results are kept.
    package func keptResults() async throws -> [Command.ID] {
        try await pool.read { try Self.keptResults($0) }
    }

    private static func keptResults(_ db: Database) throws -> [Command.ID] {
        try Int64.fetchAll(
            db,
            sql: """
                SELECT id FROM command
                WHERE finished_at IS NOT NULL AND result_expires_at IS NOT NULL ORDER BY id
                """)
    }

    /// Writes all into the one file, and lets go of it.
    package func close() throws {
        // The last connection that closes tidies up, if it may write.
        pool.invalidateReadOnlyConnections()
        try pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try pool.close()
    }

    /// Ends every command that has not ended, as lost; for a restored copy, in which the past must not
    /// happen again.
    ///
    /// A removal may have been done since the copy was made, so it is charged to its key's budget like any other that
    /// is lost. New ids begin far above those that the copy knows: since then others were given out, and machines
    /// remember the ids of what they ran.
    ///
    /// - Returns: How many there were.
    package func endAllOpenCommands(note: String, at time: Double) async throws -> Int {
        try await writes.write { db in
            let removals = try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM command WHERE finished_at IS NULL AND removal_order IS NOT NULL
                    """)
            let outcome = CommandOutcome(
                note: note, stdoutBytes: 0, stderrBytes: 0, sha256: CommandFinished.emptyDigest,
                isComplete: false)
            for row in removals {
                try Command(row: row).chargeBudget(db, for: outcome, endingAs: .lost, at: time)
            }
            try db.execute(
                sql: """
                    UPDATE command SET
                        state = ?, finished_at = ?, note = ?, stdout_bytes = ?, stderr_bytes = ?,
                        sha256 = ?, is_complete = ?
                    WHERE finished_at IS NULL
                    """,
                arguments: [
                    CommandState.lost.rawValue, time, outcome.note, outcome.stdoutBytes,
                    outcome.stderrBytes, outcome.sha256, outcome.isComplete,
                ])
            let count = db.changesCount
            try db.execute(
                sql: """
                    UPDATE sqlite_sequence SET seq = seq + 1000000
                    WHERE name IN ('command', 'instance')
                    """)
            return count
        }
    }

    /// Gives up every wish for an instance that was not carried out, but for those that it be gone; for a restored copy.
    ///
    /// Since the copy was made its owner may have wished something else. A destruction is the last wish for an
    /// instance, so it still holds. An instance without a container counts as one whose container is gone: when its
    /// machine tells of one, the instance is back. Wishes are counted on from far above, because machines may still
    /// tell of those that this copy does not know.
    ///
    /// - Returns: How many there were.
    package func giveUpOpenWishes(at time: Double) async throws -> Int {
        try await writes.write { db in
            try db.execute(
                sql: """
                    UPDATE instance SET
                        is_settled = 1,
                        removed_at = CASE WHEN container_id IS NULL THEN ? END
                    WHERE removed_at IS NULL AND is_settled = 0 AND wished <> 'gone'
                    """,
                arguments: [time])
            let count = db.changesCount
            try db.execute(
                sql: """
                    UPDATE instance SET wish_number = wish_number + 1000000
                    WHERE removed_at IS NULL OR wished <> 'gone'
                    """)
            return count
        }
    }

    /// Passes over every due time of a job up to now, and ends those that were decided on, as lost; for a restored
    /// copy.
    ///
    /// - Parameters:
    ///   - note: Why.
    ///   - time: Now.
    /// - Returns: How many there were.
    /// - Throws: `DatabaseError`.
    package func passOverDueTimes(note: String, at time: Double) async throws -> Int {
        var count = 0
        while true {
            let open = try await openRuns(limit: Self.pageSize)
            if open.isEmpty { break }
            for var (_, run) in open {
                run.state = .lost
                run.note = note
                try await endRun(run, isLast: false, at: time)
            }
            count += open.count
        }
        while true {
            let due = try await dueJobs(at: time, limit: Self.pageSize)
            if due.isEmpty { break }
            for job in due {
                // None is fired, however short a while ago it was due.
                let decision = JobDecision(job, at: time, grace: -1)
                _ = try await decide(decision)
                count += decision.skippedCount
            }
        }
        return count
    }

    private static let pageSize = 500
}
