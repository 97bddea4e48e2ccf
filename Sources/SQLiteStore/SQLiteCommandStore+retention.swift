package import ControlPlane
internal import GRDB

// For how long results are kept, and records.
extension SQLiteStore {
    package func expiredResults(at time: Double, limit: Int) async throws -> [Command.ID] {
        try await pool.read { db in
            try Int64.fetchAll(
                db,
                sql: """
                    SELECT id FROM command
                    WHERE result_expires_at < ? AND finished_at IS NOT NULL
                        AND result_expires_at IS NOT NULL
                    ORDER BY result_expires_at LIMIT ?
                    """,
                arguments: [time, limit])
        }
    }

    package func resultsBeyond(byteCount: Int64, limit: Int) async throws -> [Command.ID] {
        try await pool.read { db in
            // Triggers keep the total, so that nobody has to count what stays.
            let total = try Int64.fetchOne(db, sql: "SELECT bytes FROM result_total WHERE id = 1")
            var excess = (total ?? 0) - byteCount
            guard excess > 0 else { return [] }
            let oldest = try Row.fetchCursor(
                db,
                sql: """
                    SELECT id, (stdout_bytes + stderr_bytes) / 4096 * 4096 + 4096 AS bytes
                    FROM command
                    WHERE finished_at IS NOT NULL AND result_expires_at IS NOT NULL
                        AND result_expires_at > ?
                    ORDER BY result_expires_at, id LIMIT ?
                    """,
                arguments: [-Double.infinity, limit])
            var ids: [Command.ID] = []
            while excess > 0, let row = try oldest.next() {
                ids.append(row["id"])
                excess -= row["bytes"]
            }
            return ids
        }
    }

    package func commandsWithResults(among ids: [Command.ID]) async throws -> Set<Command.ID> {
        try await pool.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT id FROM command
                    WHERE id = ? AND (finished_at IS NULL OR result_expires_at IS NOT NULL)
                    """)
            return try ids.reduce(into: []) { found, id in
                if let id = try Int64.fetchOne(statement, arguments: [id]) { found.insert(id) }
            }
        }
    }

    package func forgetResults(_ ids: [Command.ID]) async throws {
        try await writes.write { db in
            for id in ids {
                try db.execute(
                    sql: "UPDATE command SET result_expires_at = NULL WHERE id = ?",
                    arguments: [id])
                try db.execute(
                    sql: "DELETE FROM result_secret WHERE command_id = ?", arguments: [id])
            }
        }
    }

    package func deleteCommands(endedBefore time: Double, limit: Int) async throws -> Int {
        try await writes.write { db in
            let ids = try Int64.fetchAll(
                db,
                sql: """
                    SELECT id FROM command
                    WHERE finished_at < ? AND finished_at IS NOT NULL AND result_expires_at IS NULL
                    LIMIT ?
                    """,
                arguments: [time, limit])
            for id in ids {
                // An order that was sent again after its result was gone left another secret.
                try db.execute(
                    sql: "DELETE FROM result_secret WHERE command_id = ?", arguments: [id])
                try db.execute(sql: "DELETE FROM command WHERE id = ?", arguments: [id])
            }
            return ids.count
        }
    }
}
