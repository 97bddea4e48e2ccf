internal import CommandPolicy
internal import ControlPlane
internal import GRDB

extension Command {
    /// The command that a new one repeats, if any; see `CommandStore.add`.
    static func fetchRepeated(_ db: Database, by new: NewCommand) throws -> Command? {
        if let key = new.idempotencyKey,
            let named = try fetchNewest(
                db, where: "key_id = ? AND idempotency_key = ? AND created_at > ?",
                [new.keyID, key, new.createdAt - idempotencySeconds])
        {
            guard named.instanceID == new.instance.id, named.decision.argv == new.decision.argv,
                try variant(db, of: named) == new.variant
            else {
                throw ControlPlaneError(
                    .idempotencyMismatch, "This Idempotency-Key was used for another order.")
            }
            return named
        }
        guard new.decision.writes, new.idempotencyKey == nil else { return nil }
        let candidates = new.undelivered.map(String.init).joined(separator: ",")
        return try fetchNewest(
            db,
            where: """
                machine_id = ? AND key_id = ? AND instance_id = ? AND text = ? AND variant = ?
                    AND (finished_at IS NULL OR id IN (\(candidates)))
                """,
            [new.instance.machineID, new.keyID, new.instance.id, new.text, new.variant])
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

    private static func variant(_ db: Database, of command: Command) throws -> String? {
        try String.fetchOne(
            db, sql: "SELECT variant FROM command WHERE id = ?", arguments: [command.id])
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
    private static let idempotencySeconds = 86_400.0
}
