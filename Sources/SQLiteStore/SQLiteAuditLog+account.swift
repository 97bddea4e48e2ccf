package import ControlPlane
internal import FoundationEssentials
internal import GRDB

extension SQLiteStore: AccountAuditStore {
    package func auditEntries(
        account: Account.ID, key: APIKey.ID?, before: Int64?, limit: Int
    ) async throws -> [AuditRecord] {
        let filter = Self.filter(account: account, key: key)
        return try await pool.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT sequence, CAST(body AS BLOB) AS body, hash FROM audit
                    WHERE \(filter.sql) AND sequence < ? ORDER BY sequence DESC LIMIT ?
                    """,
                arguments: filter.arguments + [before ?? Int64.max, limit]
            ).map { row in
                AuditRecord(
                    sequence: row["sequence"], body: [UInt8](row["body"] as Data),
                    hash: AuditHash(bytes: [UInt8](row["hash"] as Data)))
            }
        }
    }

    package func auditCount(account: Account.ID, key: APIKey.ID?) async throws -> Int64 {
        let filter = Self.filter(account: account, key: key)
        return try await pool.read { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT count(*) FROM (SELECT 1 FROM audit WHERE \(filter.sql) LIMIT ?)
                    """,
                arguments: filter.arguments + [AccountAudit.maximumCount]) ?? 0
        }
    }

    /// By the index of the narrower of the two: a key's entries are all its account's, and few.
    private static func filter(account: Account.ID, key: APIKey.ID?) -> (
        sql: String, arguments: StatementArguments
    ) {
        guard let key else { return ("\(AuditColumn.account.expression) = ?", [account]) }
        // The plus keeps the account's index out of it (https://sqlite.org/optoverview.html, 9).
        return (
            "\(AuditColumn.key.expression) = ? AND +(\(AuditColumn.account.expression)) = ?",
            [key, account]
        )
    }
}
