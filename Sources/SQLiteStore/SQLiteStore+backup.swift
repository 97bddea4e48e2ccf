internal import AgentLink
internal import ControlPlane
internal import GRDB

extension SQLiteStore {
    /// Copies the database as of one moment into a new file, while others read and write.
    package func backUp(to path: String) async throws {
        let target = try DatabaseQueue(path: path)
        try pool.backup(to: target)
        try target.close()
    }

    /// Ends every command that has not ended, as lost; for a restored copy, in which the past must not
    /// happen again.
    ///
    /// New ids begin far above those that the copy knows: since then others were given out, and machines
    /// remember the ids of what they ran.
    ///
    /// - Returns: How many there were.
    package func endAllOpenCommands(note: String, at time: Double) async throws -> Int {
        try await writes.write { db in
            try db.execute(
                sql: """
                    UPDATE command SET
                        state = ?, finished_at = ?, note = ?, stdout_bytes = 0, stderr_bytes = 0,
                        sha256 = ?, is_complete = 0
                    WHERE finished_at IS NULL
                    """,
                arguments: [
                    CommandState.lost.rawValue, time, note, CommandFinished.emptyDigest,
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
}
