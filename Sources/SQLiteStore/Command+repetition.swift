internal import CommandPolicy
internal import ControlPlane
internal import FoundationEssentials
internal import GRDB

extension Command {
    /// The command that a new one repeats, if any; see `CommandStore.add`.
    static func fetchRepeated(_ db: Database, by new: NewCommand) throws -> Command? {
        if let order = new.named { return try fetchNamed(db, order) }
        guard new.decision.writes else { return nil }
        // Two questions, and not one with an OR: that one would be answered from all that the key ever ordered.
        // The pluses keep SQLite to what is open on the machine, and to those few ids.
        let isEqual = "+key_id = ? AND instance_id = ? AND text = ? AND variant = ?"
        let words: StatementArguments = [new.keyID, new.instance.id, new.text, new.variant]
        if let open = try fetchNewest(
            db, where: "\(isEqual) AND machine_id = ? AND finished_at IS NULL",
            words + [new.instance.machineID])
        {
            return open
        }
        guard !new.undelivered.isEmpty else { return nil }
        let candidates = new.undelivered.map(String.init).joined(separator: ",")
        return try fetchNewest(
            db, where: "\(isEqual) AND +machine_id = ? AND id IN (\(candidates))",
            words + [new.instance.machineID])
    }

    /// The command that an order already became which its caller has a name for.
    ///
    /// - Throws: `ControlPlaneError` `idempotency_mismatch` when the name stands for another order.
    static func fetchNamed(_ db: Database, _ order: NamedOrder) throws -> Command? {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT * FROM command WHERE key_id = ? AND idempotency_key = ? AND created_at > ?
                    ORDER BY id DESC LIMIT 1
                    """),
            arguments: [order.keyID, order.idempotencyKey, order.at - idempotencySeconds])
        guard let row else { return nil }
        let command = try Command(row: row)
        // Of a command that an older version accepted, nobody knows which timeout was asked for.
        let timeout: Int? = row["asked_timeout"]
        guard command.instanceID == order.instanceID,
            // By their bytes: of two names that look alike, Linux knows each.
            command.decision.argv.map({ Array($0.utf8) }) == order.argv.map({ Array($0.utf8) }),
            row["variant"] == order.variant, timeout == nil || timeout == order.askedTimeout ?? 0
        else {
            throw ControlPlaneError(
                .idempotencyMismatch, "This Idempotency-Key was used for another order.")
        }
        return command
    }

    /// Gives a command that was ordered again another secret, and tells the audit log.
    func keepRepetition(
        _ db: Database, resultDigest: SecretDigest, noting entry: AuditEntry
    ) throws {
        try db.execute(
            sql: "INSERT INTO result_secret (command_id, digest) VALUES (?, ?)",
            arguments: [id, Data(resultDigest.bytes)])
        var entry = entry
        entry.commandID = id
        try AuditLogWriter.append(db, entry)
    }

    /// - Throws: `ControlPlaneError` `queue_full` when another command would be one too many.
    static func checkQueues(_ db: Database, for new: NewCommand, bounds: QueueBounds) throws {
        let queues = [
            ("account_id", new.accountID, bounds.perAccount),
            ("machine_id", new.instance.machineID, bounds.perMachine),
        ]
        for (column, id, bound) in queues {
            let count = try Int.fetchOne(
                db.cachedStatement(
                    sql: "SELECT count(*) FROM command WHERE \(column) = ? AND finished_at IS NULL"),
                arguments: [id])
            guard (count ?? 0) < bound else {
                throw ControlPlaneError(
                    .queueFull, "Too many commands wait or run (\(bound)); try again later.",
                    retryAfter: 1)
            }
        }
    }

    private static func fetchNewest(
        _ db: Database, where condition: String, _ arguments: StatementArguments
    ) throws -> Command? {
        try Row.fetchOne(
            db, sql: "SELECT * FROM command WHERE \(condition) ORDER BY id DESC LIMIT 1",
            arguments: arguments
        ).map(Command.init(row:))
    }

    /// For how long an idempotency key stands for its order.
    static let idempotencySeconds = 86_400.0
}
