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
            return db.changesCount > 0
        }
    }

    package func addKey(
        _ digest: SecretDigest, name: String, account: Account.ID, at time: Double
    ) async throws -> APIKey {
        try await writes.write { db in
            try db.execute(
                sql: """
                    INSERT INTO api_key (account_id, digest, name, created_at) VALUES (?, ?, ?, ?)
                    """,
                arguments: [account, Data(digest.bytes), name, time])
            return APIKey(id: db.lastInsertedRowID, accountID: account, name: name)
        }
    }

    package func revokeKey(id: APIKey.ID, at time: Double) async throws -> Bool {
        try await writes.write { db in
            try db.execute(
                sql: "UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
                arguments: [time, id])
            return db.changesCount > 0
        }
    }

    package func hasKeys(account: Account.ID) async throws -> Bool {
        try await pool.read { db in
            try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM api_key WHERE account_id = ?)",
                arguments: [account]) ?? false
        }
    }

    package func principal(keyDigest: SecretDigest) async throws -> Principal? {
        try await pool.read { db in
            guard
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT account.id, account.name, account.is_blocked, api_key.id AS key_id
                        FROM api_key JOIN account ON account.id = api_key.account_id
                        WHERE api_key.digest = ? AND api_key.revoked_at IS NULL
                        """,
                    arguments: [Data(keyDigest.bytes)])
            else { return nil }
            return Principal(account: Account(row: row), keyID: row["key_id"])
        }
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
