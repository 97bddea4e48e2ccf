package import ControlPlane
internal import FoundationEssentials
internal import GRDB

extension SQLiteStore: TemplateStore {
    package func templates(account: Account.ID) async throws -> [StoredTemplate] {
        try await pool.read { db in
            try StoredTemplate.fetchAll(
                db, visibleTo: account, "version.hash_id = template.hash_id", [:])
        }
    }

    package func template(_ reference: TemplateReference, account: Account.ID) async throws
        -> StoredTemplate?
    {
        try await pool.read { db in try Self.template(db, reference, account: account) }
    }

    package func addTemplate(_ version: TemplateVersion, noting call: AuditEntry) async throws
        -> StoredTemplate
    {
        try await writes.write { db in
            let account = version.accountID
            let count = try Int.fetchOne(
                db, sql: "SELECT count(*) FROM template WHERE account_id = ?", arguments: [account])
            guard (count ?? 0) < TemplateAccess.maximumCount else {
                throw ControlPlaneError(
                    .invalidArguments,
                    "The account has \(TemplateAccess.maximumCount) templates; delete some first.")
            }
            try db.execute(
                sql: "INSERT INTO template (account_id, hash_id, created_at) VALUES (?, ?, ?)",
                arguments: [account, version.hashID, version.time])
            return try Self.keep(db, version, of: db.lastInsertedRowID, noting: call)
        }
    }

    package func changeTemplate(
        _ reference: TemplateReference, id: Template.ID?, to version: TemplateVersion,
        noting call: AuditEntry
    ) async throws -> StoredTemplate? {
        try await writes.write { db in
            guard let template = try Self.own(db, reference, account: version.accountID),
                id == nil || id == template
            else { return nil }
            try db.execute(
                sql: "UPDATE template SET hash_id = ? WHERE id = ?",
                arguments: [version.hashID, template])
            return try Self.keep(db, version, of: template, noting: call)
        }
    }

    package func removeTemplate(
        _ reference: TemplateReference, account: Account.ID, noting call: AuditEntry
    ) async throws -> Bool {
        try await writes.write { db in
            guard let template = try Self.own(db, reference, account: account) else { return false }
            try db.execute(sql: "DELETE FROM template WHERE id = ?", arguments: [template])
            try AuditLogWriter.append(db, call)
            return true
        }
    }

    /// A template of the account, by its id or by the hash of its newest version.
    private static func own(
        _ db: Database, _ reference: TemplateReference, account: Account.ID
    ) throws -> Template.ID? {
        switch reference {
        case .id(let id):
            try Int64.fetchOne(
                db, sql: "SELECT id FROM template WHERE id = ? AND account_id = ?",
                arguments: [id, account])
        case .hash(let hash):
            try Int64.fetchOne(
                db, sql: "SELECT id FROM template WHERE hash_id = ? AND account_id = ?",
                arguments: [hash, account])
        }
    }

    private static func template(
        _ db: Database, _ reference: TemplateReference, account: Account.ID
    ) throws -> StoredTemplate? {
        switch reference {
        case .id(let id):
            try StoredTemplate.fetchAll(
                db, visibleTo: account,
                "template.id = :id AND version.hash_id = template.hash_id", ["id": id]
            ).first
        case .hash(let hash):
            try StoredTemplate.fetchAll(
                db, visibleTo: account, "version.hash_id = :hash", ["hash": hash]
            ).first
        }
    }

    private static func keep(
        _ db: Database, _ version: TemplateVersion, of id: Template.ID, noting call: AuditEntry
    ) throws -> StoredTemplate {
        try db.execute(
            sql: """
                INSERT INTO template_version (template_id, hash_id, is_private, sealed, created_at)
                VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [
                id, version.hashID, version.isPrivate, Data(version.sealed), version.time,
            ])
        try db.execute(
            sql: """
                DELETE FROM template_version WHERE template_id = :id AND number NOT IN (
                    SELECT number FROM template_version WHERE template_id = :id
                    ORDER BY number DESC LIMIT :kept
                )
                """,
            arguments: ["id": id, "kept": TemplateAccess.keptVersionCount])
        let byteCount = try Int.fetchOne(
            db,
            sql: """
                SELECT sum(length(sealed)) FROM template_version
                WHERE template_id IN (SELECT id FROM template WHERE account_id = ?)
                """,
            arguments: [version.accountID])
        guard (byteCount ?? 0) <= TemplateAccess.maximumByteCount else {
            throw ControlPlaneError(
                .invalidArguments,
                "The account's templates take more than \(TemplateAccess.maximumByteCount) bytes; delete some first."
            )
        }
        try AuditLogWriter.append(db, call)
        guard let stored = try template(db, .id(id), account: version.accountID) else {
            throw DatabaseError(message: "template \(id) has no version")
        }
        return stored
    }
}

extension StoredTemplate {
    /// - Parameters:
    ///   - db: The database.
    ///   - account: Who looks.
    ///   - condition: Which ones: of a `template` and one `version` of it.
    ///   - arguments: The condition's.
    /// - Returns: What the account sees, by ascending id.
    /// - Throws: What SQLite throws.
    fileprivate static func fetchAll(
        _ db: Database, visibleTo account: Account.ID, _ condition: String,
        _ arguments: StatementArguments
    ) throws -> [StoredTemplate] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT template.id, template.account_id, template.created_at, version.hash_id,
                    version.is_private, version.sealed,
                    (SELECT count(*) FROM instance WHERE template_id = template.id) AS uses,
                    (SELECT max(created_at) FROM instance WHERE template_id = template.id) AS used_at
                FROM template
                    JOIN template_version AS version ON version.template_id = template.id
                    JOIN template_version AS newest ON newest.hash_id = template.hash_id
                    JOIN account ON account.id = template.account_id
                WHERE \(condition) AND (
                    template.account_id = :account
                    OR (newest.is_private = 0 AND version.is_private = 0 AND account.is_blocked = 0)
                )
                ORDER BY template.id
                """,
            arguments: arguments + ["account": account]
        ).map { row in
            StoredTemplate(
                id: row["id"], accountID: row["account_id"], hashID: row["hash_id"],
                isPrivate: row["is_private"], sealed: [UInt8](row["sealed"] as Data),
                createdAt: row["created_at"], instanceCount: row["uses"], usedAt: row["used_at"])
        }
    }
}
