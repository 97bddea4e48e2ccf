package import ControlPlane
internal import FoundationEssentials
internal import GRDB

// Orders to make an instance, for as long as they may come again.
extension SQLiteStore {
    package func noteAnswered(_ ids: [Instance.ID]) async throws {
        try await writes.write { db in
            for id in ids {
                try db.cachedStatement(
                    sql: "UPDATE instance_order SET is_answered = 1 WHERE instance_id = ?"
                ).execute(arguments: [id])
            }
        }
    }

    package func instanceMade(
        by order: RepeatableOrder, noting call: AuditEntry
    ) async throws -> StoredWish? {
        try await writes.write { db in try Self.instanceMade(db, by: order, noting: call) }
    }

    static func instanceMade(
        _ db: Database, by order: RepeatableOrder, noting call: AuditEntry
    ) throws -> StoredWish? {
        guard
            let made = order.idempotencyKey == nil
                ? try unansweredInstance(db, by: order) : try namedInstance(db, by: order)
        else { return nil }
        var call = call
        call.instanceID = made.instance.id
        call.detail = "repeated"
        try AuditLogWriter.append(db, call)
        return made
    }

    private static func namedInstance(
        _ db: Database, by order: RepeatableOrder
    ) throws -> StoredWish? {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT instance.*, instance_order.digest AS order_digest
                FROM instance_order JOIN instance ON instance.id = instance_id
                WHERE instance_order.key_id = ? AND idempotency_key = ? AND part = ?
                    AND ordered_at > ?
                ORDER BY instance_id DESC LIMIT 1
                """,
            arguments: [
                order.keyID, order.idempotencyKey, order.part,
                order.at - Command.idempotencySeconds,
            ])
        guard let row else { return nil }
        guard row["order_digest"] as Data == Data(order.digest) else {
            throw ControlPlaneError(
                .idempotencyMismatch, "This Idempotency-Key was used for another order.")
        }
        return try StoredWish(row: row)
    }

    private static func unansweredInstance(
        _ db: Database, by order: RepeatableOrder
    ) throws -> StoredWish? {
        try Row.fetchAll(
            db,
            sql: """
                SELECT instance.*
                FROM instance_order JOIN instance ON instance.id = instance_id
                WHERE instance_order.key_id = ? AND digest = ? AND part = ? AND ordered_at > ?
                    AND idempotency_key IS NULL AND is_answered = 0
                    AND removed_at IS NULL AND wished <> 'gone'
                ORDER BY instance_id DESC
                """,
            arguments: [
                order.keyID, Data(order.digest), order.part, order.at - lostAnswerSeconds,
            ]
        ).map(StoredWish.init(row:)).first { !order.isAnswering($0.instance.id) }
    }

    /// Keeps the order for a day, and forgets some that are older.
    static func keep(_ order: RepeatableOrder, _ db: Database, made id: Instance.ID) throws {
        try db.execute(
            sql: """
                INSERT INTO instance_order
                    (instance_id, key_id, idempotency_key, part, digest, ordered_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id, order.keyID, order.idempotencyKey, order.part, Data(order.digest), order.at,
            ])
        try db.execute(
            sql: """
                DELETE FROM instance_order WHERE instance_id IN (
                    SELECT instance_id FROM instance_order WHERE ordered_at <= ?
                    ORDER BY ordered_at LIMIT 64)
                """,
            arguments: [order.at - Command.idempotencySeconds])
    }

    /// Stock clients send an order again within half a second; a server may need some to come back.
    private static let lostAnswerSeconds = 10.0
}
