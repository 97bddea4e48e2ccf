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
                try repeated.keepRepetition(
                    db, resultDigest: command.resultDigest,
                    noting: command.auditEntry(.commandRepeated, id: repeated.id))
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
                        result_expires_at, removal_order, variant, asked_timeout
                    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(
                arguments: [
                    command.accountID, command.keyID, command.instance.id,
                    command.instance.machineID, command.instance.containerID ?? "", command.text,
                    decision, command.idempotencyKey, command.state.rawValue,
                    command.timeoutSeconds, command.createdAt,
                    command.startBy, Data(command.resultDigest.bytes), command.resultExpiresAt,
                    try command.removalOrder.map { try JSON.encode($0) }, command.variant,
                    command.askedTimeoutSeconds ?? 0,
                ])
            let added = command.command(id: db.lastInsertedRowID)
            try AuditLogWriter.append(db, command.auditEntry(.commandAccepted, id: added.id))
            return (added, true)
        }
    }

    package func repeated(
        _ order: NamedOrder, resultDigest: SecretDigest, noting entry: AuditEntry
    ) async throws -> Command? {
        // A name that is new, which most are, costs no turn among those who write.
        guard try await pool.read({ try Command.fetchNamed($0, order) }) != nil else { return nil }
        return try await writes.write { db in
            guard let command = try Command.fetchNamed(db, order) else { return nil }
            try command.keepRepetition(db, resultDigest: resultDigest, noting: entry)
            return command
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

    package func recentCommands(after time: Double, limit: Int) async throws -> [Command.ID] {
        try await pool.read { db in
            try Row.fetchAll(
                db, sql: "SELECT id, created_at FROM command ORDER BY id DESC LIMIT ?",
                arguments: [limit]
            ).filter { $0["created_at"] as Double > time }.map { $0["id"] }
        }
    }

    package func openCommands(machine: Machine.ID) async throws -> [Command] {
        try await fetchAll(
            sql: "SELECT * FROM command WHERE machine_id = ? AND finished_at IS NULL ORDER BY id",
            arguments: [machine])
    }

    package func queuedCommands(
        startBefore time: Double, after place: StartPlace?, limit: Int
    ) async throws -> [Command] {
        try await fetchAll(
            sql: """
                SELECT * FROM command
                WHERE state = 'queued' AND finished_at IS NULL
                    AND start_by < ? AND (start_by, id) > (?, ?)
                ORDER BY start_by, id LIMIT ?
                """,
            arguments: [time, place?.startBy ?? -.infinity, place?.id ?? 0, limit])
    }

    package func overdueCommands(
        at time: Double, after place: StartPlace?, limit: Int
    ) async throws -> [Command] {
        try await fetchAll(
            sql: """
                SELECT * FROM command
                WHERE finished_at IS NULL AND start_by < ? AND (start_by, id) > (?, ?)
                ORDER BY start_by, id LIMIT ?
                """,
            arguments: [time, place?.startBy ?? -.infinity, place?.id ?? 0, limit])
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
                        result_expires_at = ?,
                        exit_code = ?, signal = ?, note = ?, stdout_bytes = ?, stderr_bytes = ?,
                        sha256 = ?, is_complete = ?, runtime = ?, removal = ?
                    WHERE id = ?
                    """
            ).execute(
                arguments: [
                    state.rawValue, startedAt, time, command.resultExpiry(endingAt: time),
                    outcome.exitCode, outcome.signal, outcome.note, outcome.stdoutBytes,
                    outcome.stderrBytes, outcome.sha256,
                    outcome.isComplete, outcome.runtime,
                    try outcome.removal.map { try JSON.encode($0) }, id,
                ])
            try command.chargeBudget(db, for: outcome, endingAs: state, at: time)
            command.state = state
            command.startedAt = startedAt ?? command.startedAt
            command.resultExpiresAt = command.resultExpiry(endingAt: time)
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

    /// Until when the result is kept of a command that ends now: as long as it was to be from its acceptance on.
    fileprivate func resultExpiry(endingAt time: Double) -> Double {
        max(resultExpiresAt, time + resultExpiresAt - createdAt)
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
