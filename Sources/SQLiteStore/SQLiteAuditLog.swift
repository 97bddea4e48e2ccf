package import ControlPlane
internal import FoundationEssentials
internal import GRDB

extension SQLiteStore: AuditLog {
    package func append(_ entry: AuditEntry) async throws {
        try await writes.write { db in try AuditLogWriter.append(db, entry) }
    }

    package func auditEntries(after sequence: Int64, limit: Int) async throws -> [AuditRecord] {
        try await pool.read { db in
            try Row.fetchAll(
                db,
                // The bytes as they lie there: text that is no UTF-8 must not come out mended.
                sql: """
                    SELECT sequence, CAST(body AS BLOB) AS body, hash FROM audit
                    WHERE sequence > ? ORDER BY sequence LIMIT ?
                    """,
                arguments: [sequence, limit]
            ).map { row in
                AuditRecord(
                    sequence: row["sequence"], body: [UInt8](row["body"] as Data),
                    hash: AuditHash(bytes: [UInt8](row["hash"] as Data)))
            }
        }
    }

    package func auditHead() async throws -> AuditHead? {
        try await pool.read { try AuditLogWriter.head($0) }
    }
}

/// Adds entries within a transaction that writes what they tell of, so that neither is there without the
/// other.
enum AuditLogWriter {
    /// Adds an entry behind the last one that the transaction sees.
    ///
    /// No end is remembered between calls: another process may have appended. The transaction must have
    /// begun as one that writes (`BEGIN IMMEDIATE`), or two could read the same end.
    static func append(_ db: Database, _ entry: AuditEntry) throws {
        let last = try head(db) ?? .start
        let sequence = last.sequence + 1
        let body = try entry.body()
        let hash = AuditHash(after: last.hash, sequence: sequence, body: body.utf8)
        try db.cachedStatement(
            sql: "INSERT INTO audit (sequence, body, hash) VALUES (?, ?, ?)"
        ).execute(arguments: [sequence, body, Data(hash.bytes)])
    }

    static func head(_ db: Database) throws -> AuditHead? {
        try Row.fetchOne(
            db.cachedStatement(
                sql: "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
        ).map { row in
            AuditHead(
                sequence: row["sequence"], hash: AuditHash(bytes: [UInt8](row["hash"] as Data)))
        }
    }
}
