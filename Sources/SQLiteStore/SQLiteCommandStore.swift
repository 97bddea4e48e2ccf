package import ControlPlane
internal import FoundationEssentials
internal import GRDB

extension SQLiteStore: CommandStore {
    package func add(
        _ command: NewCommand, bounds: QueueBounds
    ) async throws -> (command: Command, isNew: Bool) {
        let decision = try JSON.encode(command.decision)
        DecisionCache.shared.keep(command.decision, as: decision)
        return try await writes.write { db in
            if let repeated = try Command.fetchRepeated(db, by: command) {
                try db.execute(
                    sql: "INSERT INTO result_secret (command_id, digest) VALUES (?, ?)",
                    arguments: [repeated.id, Data(command.resultDigest.bytes)])
                try AuditLogWriter.append(db, command.auditEntry(.commandRepeated, id: repeated.id))
                return (repeated, false)
            }
            try Command.checkQueues(db, for: command, bounds: bounds)
            var command = command
            try command.applyBudget(db)
            try db.cachedStatement(
                sql: """
                    INSERT INTO command (
                        account_id, key_id, instance_id, machine_id, container_id, text, decision,
                        idempotency_key, state, timeout_seconds, created_at, start_by, result_digest,
                        result_expires_at, removal_order, variant
                    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(
                arguments: [
                    command.accountID, command.keyID, command.instance.id,
                    command.instance.machineID, command.instance.containerID ?? "", command.text,
                    decision, command.idempotencyKey, command.state.rawValue,
                    command.timeoutSeconds, command.createdAt,
                    command.startBy, Data(command.resultDigest.bytes), command.resultExpiresAt,
                    try command.removalOrder.map { try JSON.encode($0) }, command.variant,
                ])
            let added = command.command(id: db.lastInsertedRowID)
            try AuditLogWriter.append(db, command.auditEntry(.commandAccepted, id: added.id))
            return (added, true)
        }
    }

    package func hasResultSecret(_ digest: SecretDigest, command: Command.ID) async throws -> Bool {
        try await pool.read { db in
            let digests = try Data.fetchAll(
                db, sql: "SELECT digest FROM result_secret WHERE command_id = ?",
                arguments: [command])
            return digests.contains { SecretDigest(bytes: [UInt8]($0)).matches(digest) }
        }
    }

    package func command(_ id: Command.ID) async throws -> Command? {
        try await pool.read { try Command.fetch($0, id: id) }
    }

    package func command(_ id: Command.ID, account: Account.ID) async throws -> Command? {
        try await fetchAll(
            sql: "SELECT * FROM command WHERE id = ? AND account_id = ?", arguments: [id, account]
        ).first
    }

    package func commands(
        account: Account.ID, key: APIKey.ID?, before: Command.ID?, limit: Int
    ) async throws -> [Command] {
        guard let key else {
            return try await fetchAll(
                sql: """
                    SELECT * FROM command WHERE account_id = ? AND id < ? ORDER BY id DESC LIMIT ?
                    """,
                arguments: [account, before ?? .max, limit])
        }
        // The plus keeps SQLite from the account's index, which leads past everybody else's commands.
        return try await fetchAll(
            sql: """
                SELECT * FROM command WHERE key_id = ? AND +account_id = ? AND id < ?
                ORDER BY id DESC LIMIT ?
                """,
            arguments: [key, account, before ?? .max, limit])
    }

    package func openCommands(machine: Machine.ID) async throws -> [Command] {
        try await fetchAll(
            sql: "SELECT * FROM command WHERE machine_id = ? AND finished_at IS NULL ORDER BY id",
            arguments: [machine])
    }

    package func queuedCommands() async throws -> [Command] {
        try await fetchAll(
            sql: """
                SELECT * FROM command WHERE state = 'queued' AND finished_at IS NULL
                ORDER BY id LIMIT 5000
                """,
            arguments: [])
    }

    package func overdueCommands(at time: Double) async throws -> [Command] {
        try await fetchAll(
            sql: """
                SELECT * FROM command WHERE start_by < ? AND finished_at IS NULL
                ORDER BY state <> 'queued', start_by LIMIT 1000
                """,
            arguments: [time])
    }

    package func advance(
        _ id: Command.ID, to state: CommandState, startedAt: Double?
    ) async throws -> (command: Command, moved: Bool)? {
        try await writes.write { db in
            guard var command = try Command.fetch(db, id: id) else { return nil }
            guard command.state.allows(state) else { return (command, false) }
            try db.cachedStatement(
                sql: """
                    UPDATE command SET state = ?, started_at = coalesce(?, started_at) WHERE id = ?
                    """
            ).execute(
                arguments: [state.rawValue, startedAt, id])
            command.state = state
            command.startedAt = startedAt ?? command.startedAt
            return (command, true)
        }
    }

    package func finish(
        _ id: Command.ID, from: CommandState?, as state: CommandState, outcome: CommandOutcome,
        startedAt: Double?,
        at time: Double
    ) async throws -> (command: Command, moved: Bool)? {
        try await writes.write { db in
            guard var command = try Command.fetch(db, id: id) else { return nil }
            guard state.isTerminal, command.state.allows(state),
                from ?? command.state == command.state
            else { return (command, false) }
            try db.cachedStatement(
                sql: """
                    UPDATE command SET
                        state = ?, started_at = coalesce(?, started_at), finished_at = ?,
                        exit_code = ?, signal = ?, note = ?, stdout_bytes = ?, stderr_bytes = ?,
                        sha256 = ?, is_complete = ?, runtime = ?, removal = ?
                    WHERE id = ?
                    """
            ).execute(
                arguments: [
                    state.rawValue, startedAt, time, outcome.exitCode, outcome.signal,
                    outcome.note, outcome.stdoutBytes, outcome.stderrBytes, outcome.sha256,
                    outcome.isComplete, outcome.runtime,
                    try outcome.removal.map { try JSON.encode($0) }, id,
                ])
            try command.chargeBudget(db, for: outcome, endingAs: state, at: time)
            command.state = state
            command.startedAt = startedAt ?? command.startedAt
            command.finishedAt = time
            command.outcome = outcome
            return (command, true)
        }
    }

    package func requestCancellation(_ id: Command.ID, at time: Double) async throws -> Command? {
        try await writes.write { db in
            guard var command = try Command.fetch(db, id: id) else { return nil }
            guard !command.state.isTerminal, command.cancelRequestedAt == nil else {
                return command
            }
            try db.execute(
                sql: "UPDATE command SET cancel_requested_at = ? WHERE id = ?",
                arguments: [time, id])
            command.cancelRequestedAt = time
            return command
        }
    }

    package func resultsBeyond(byteCount: Int64, limit: Int) async throws -> [Command.ID] {
        try await pool.read { db in
            try Int64.fetchAll(
                db,
                sql: """
                    SELECT id FROM (
                        SELECT id, sum((stdout_bytes + stderr_bytes) / 4096 * 4096 + 4096)
                            OVER (ORDER BY id DESC) AS kept_bytes
                        FROM command
                        WHERE finished_at IS NOT NULL AND result_expires_at IS NOT NULL
                    ) WHERE kept_bytes > ? ORDER BY id LIMIT ?
                    """,
                arguments: [byteCount, limit])
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

    private func fetchAll(sql: String, arguments: StatementArguments) async throws -> [Command] {
        try await pool.read { db in
            try Row.fetchAll(db, sql: sql, arguments: arguments).map(Command.init(row:))
        }
    }
}

extension Command {
    fileprivate static func fetch(_ db: Database, id: Command.ID) throws -> Command? {
        let statement = try db.cachedStatement(sql: "SELECT * FROM command WHERE id = ?")
        return try Row.fetchOne(statement, arguments: [id]).map(Command.init(row:))
    }

    init(row: Row) throws {
        let state: String = row["state"]
        guard let state = CommandState(rawValue: state) else {
            throw DatabaseError(message: "unknown command state \(state)")
        }
        self.init(
            id: row["id"], accountID: row["account_id"], keyID: row["key_id"],
            instanceID: row["instance_id"], machineID: row["machine_id"],
            containerID: row["container_id"], text: row["text"],
            decision: try DecisionCache.shared.decision(row["decision"]),
            removalOrder: try (row["removal_order"] as String?).map { try JSON.decode($0) },
            state: state,
            timeoutSeconds: row["timeout_seconds"], createdAt: row["created_at"],
            startBy: row["start_by"],
            resultDigest: SecretDigest(bytes: [UInt8](row["result_digest"] as Data)),
            // Removed bytes expired before any time that can be asked about.
            resultExpiresAt: row["result_expires_at"] ?? 0,
            cancelRequestedAt: row["cancel_requested_at"],
            startedAt: row["started_at"], finishedAt: row["finished_at"],
            outcome: try (row["sha256"] as String?).map { sha256 in
                CommandOutcome(
                    exitCode: row["exit_code"], signal: row["signal"], note: row["note"],
                    stdoutBytes: row["stdout_bytes"], stderrBytes: row["stderr_bytes"],
                    sha256: sha256, isComplete: row["is_complete"], runtime: row["runtime"],
                    removal: try (row["removal"] as String?).map { try JSON.decode($0) })
            })
    }
}
