package import ControlPlane
internal import FoundationEssentials
internal import GRDB

extension SQLiteStore: AccountStore {
    package func ensureAccount(named name: String) async throws -> Account {
        try await writes.write { db in
            try db.execute(
                sql: "INSERT INTO account (name) VALUES (?) ON CONFLICT (name) DO NOTHING",
                arguments: [name])
            guard let account = try Account.fetch(db, named: name) else {
                throw DatabaseError(message: "the account just written is not there")
            }
            return account
        }
    }

    package func account(named name: String) async throws -> Account? {
        try await pool.read { try Account.fetch($0, named: name) }
    }

    package func firstAccount() async throws -> Account? {
        try await pool.read { db in
            try Row.fetchOne(
                db, sql: "SELECT id, name, is_blocked FROM account ORDER BY id LIMIT 1"
            ).map(Account.init(row:))
        }
    }

    package func setBlocked(_ isBlocked: Bool, accountNamed name: String) async throws -> Bool {
        try await writes.write { db in
            try db.execute(
                sql: "UPDATE account SET is_blocked = ? WHERE name = ?",
                arguments: [isBlocked, name])
            guard db.changesCount > 0 else { return false }
            try AuditLogWriter.append(
                db,
                AuditEntry(
                    time: WallTime.system.now(), event: isBlocked ? .userBlocked : .userUnblocked,
                    accountID: try Account.fetch(db, named: name)?.id))
            return true
        }
    }

    package func accounts() async throws -> [Account] {
        try await pool.read { db in
            try Row.fetchAll(db, sql: "SELECT id, name, is_blocked FROM account ORDER BY id")
                .map(Account.init(row:))
        }
    }

    package func addKey(
        _ digest: SecretDigest, name: String, account: Account.ID, scope: KeyScope,
        expiresAt: Double?, orderedBy maker: APIKey.ID?, at time: Double
    ) async throws -> APIKey {
        try await writes.write { db in
            try Self.addKey(
                db, digest, name: name, account: account, scope: scope, expiresAt: expiresAt,
                orderedBy: maker, at: time)
        }
    }

    static func addKey(
        _ db: Database, _ digest: SecretDigest, name: String, account: Account.ID, scope: KeyScope,
        expiresAt: Double?, orderedBy maker: APIKey.ID?, at time: Double
    ) throws -> APIKey {
        try db.execute(
            sql: """
                INSERT INTO api_key (account_id, digest, name, created_at, scope, expires_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                account, Data(digest.bytes), name, time,
                scope == .everything ? nil : try JSON.encode(scope), expiresAt,
            ])
        let key = APIKey(
            id: db.lastInsertedRowID, accountID: account, name: name, scope: scope,
            expiresAt: expiresAt)
        try AuditLogWriter.append(
            db,
            AuditEntry(
                time: time, event: .keyCreated, accountID: account, keyID: key.id,
                // In front: no name that a caller chose can look like another maker.
                detail: maker.map { "by key \($0): \(name)" } ?? name))
        return key
    }

    package func keys(account: Account.ID) async throws -> [APIKey] {
        try await pool.read { db in try Self.keys(db, account: account) }
    }

    private static func keys(_ db: Database, account: Account.ID) throws -> [APIKey] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT id, name, scope, expires_at FROM api_key
                WHERE account_id = ? AND revoked_at IS NULL ORDER BY id
                """,
            arguments: [account]
        ).map { row in
            APIKey(
                id: row["id"], accountID: account, name: row["name"],
                scope: try KeyScope(row: row),
                expiresAt: row["expires_at"])
        }
    }

    package func revokeKey(
        id: APIKey.ID, orderedBy revoker: APIKey.ID?, at time: Double,
        checking check: @escaping @Sendable (_ others: [APIKey]) throws -> Void
    ) async throws -> Bool {
        try await writes.write { db in
            let account = try Int64.fetchOne(
                db,
                sql: """
                    UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL
                    RETURNING account_id
                    """,
                arguments: [time, id])
            guard let account else { return false }
            // What it throws takes the change back.
            try check(Self.keys(db, account: account))
            try AuditLogWriter.append(
                db,
                AuditEntry(
                    time: time, event: .keyRevoked, accountID: account, keyID: id,
                    detail: revoker.map { "by key \($0)" }))
            return true
        }
    }

    package func resetKey(
        id: APIKey.ID, from old: SecretDigest, to new: SecretDigest, address: String?,
        at time: Double
    ) async throws -> Bool {
        try await writes.write { db in
            let account = try Int64.fetchOne(
                db,
                sql: """
                    UPDATE api_key SET digest = ?
                    WHERE id = ? AND digest = ? AND revoked_at IS NULL
                    RETURNING account_id
                    """,
                arguments: [Data(new.bytes), id, Data(old.bytes)])
            guard let account else { return false }
            var entry = AuditEntry(
                time: time, event: .keyReset, accountID: account, keyID: id,
                detail: "by key \(id)")
            entry.address = address
            try AuditLogWriter.append(db, entry)
            return true
        }
    }

    package func hasKeys(account: Account.ID) async throws -> Bool {
        try await pool.read { db in
            try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM api_key WHERE account_id = ?)",
                arguments: [account]) ?? false
        }
    }

    package func principal(keyDigest: SecretDigest, at time: Double) async throws -> Principal? {
        try await pool.read { db in
            guard
                let row = try Row.fetchOne(
                    db.cachedStatement(
                        sql: """
                            SELECT account.id, account.name, account.is_blocked, api_key.id AS key_id,
                                api_key.digest, api_key.scope, api_key.expires_at
                            FROM api_key JOIN account ON account.id = api_key.account_id
                            WHERE api_key.digest = ? AND api_key.revoked_at IS NULL
                                AND (api_key.expires_at IS NULL OR api_key.expires_at > ?)
                            """),
                    arguments: [Data(keyDigest.bytes), time]),
                // The index has compared already; this one takes the same time for every digest.
                SecretDigest(bytes: [UInt8](row["digest"] as Data)).matches(keyDigest)
            else { return nil }
            return Principal(
                account: Account(row: row), keyID: row["key_id"], scope: try KeyScope(row: row),
                expiresAt: row["expires_at"])
        }
    }

    package func principal(key: APIKey.ID, at time: Double) async throws -> Principal? {
        try await pool.read { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT account.id, account.name, account.is_blocked, api_key.id AS key_id,
                        api_key.scope, api_key.expires_at
                    FROM api_key JOIN account ON account.id = api_key.account_id
                    WHERE api_key.id = ? AND api_key.revoked_at IS NULL
                        AND (api_key.expires_at IS NULL OR api_key.expires_at > ?)
                    """,
                arguments: [key, time]
            ).map { row in
                Principal(
                    account: Account(row: row), keyID: row["key_id"],
                    scope: try KeyScope(row: row), expiresAt: row["expires_at"])
            }
        }
    }

    package func deletionUse(key: APIKey.ID, day: Int) async throws -> (
        entries: Int64, bytes: Int64
    ) {
        try await pool.read { db in
            let row = try Row.fetchOne(
                db, sql: "SELECT entries, bytes FROM deletion_use WHERE key_id = ? AND day = ?",
                arguments: [key, day])
            return row.map { ($0["entries"], $0["bytes"]) } ?? (0, 0)
        }
    }

    package func addDeletionUse(key: APIKey.ID, day: Int, entries: Int64, bytes: Int64) async throws
    {
        try await writes.write { db in
            try db.execute(
                sql: """
                    INSERT INTO deletion_use (key_id, day, entries, bytes) VALUES (?, ?, ?, ?)
                    ON CONFLICT (key_id, day) DO UPDATE
                    SET entries = entries + excluded.entries, bytes = bytes + excluded.bytes
                    """,
                arguments: [key, day, entries, bytes])
        }
    }
}

extension KeyScope {
    /// A scope that cannot be read is an error, and its key useless: it must not become a wider one.
    fileprivate init(row: Row) throws {
        guard let text: String = row["scope"] else {
            self = .everything
            return
        }
        self = try JSON.decode(text)
    }
}

extension Account {
    fileprivate init(row: Row) {
        self.init(id: row["id"], name: row["name"], isBlocked: row["is_blocked"])
    }

    fileprivate static func fetch(_ db: Database, named name: String) throws -> Account? {
        try Row.fetchOne(
            db, sql: "SELECT id, name, is_blocked FROM account WHERE name = ?", arguments: [name]
        ).map(Account.init(row:))
    }
}
