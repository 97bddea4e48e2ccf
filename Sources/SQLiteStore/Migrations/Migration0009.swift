internal import GRDB

/// What else belongs to an account: SSH keys, environment variables, addresses; and its part of the audit log.
enum Migration0009 {
    static let name = "0009-accounts"

    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE ssh_key (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    account_id INTEGER NOT NULL REFERENCES account (id),
                    -- NULL: for all of the account's instances
                    instance_id INTEGER REFERENCES instance (id),
                    type TEXT NOT NULL,
                    -- base64, which is what tells two keys apart
                    encoded TEXT NOT NULL,
                    comment TEXT NOT NULL,
                    created_at REAL NOT NULL
                ) STRICT;

                CREATE UNIQUE INDEX ssh_key_once
                    ON ssh_key (account_id, coalesce(instance_id, 0), encoded);

                -- instances that a key for all of them does not open
                CREATE TABLE ssh_key_exclusion (
                    instance_id INTEGER NOT NULL REFERENCES instance (id),
                    key_id INTEGER NOT NULL REFERENCES ssh_key (id) ON DELETE CASCADE,
                    PRIMARY KEY (instance_id, key_id)
                ) STRICT, WITHOUT ROWID;

                CREATE INDEX ssh_key_exclusion_key ON ssh_key_exclusion (key_id);

                CREATE TABLE environment_variable (
                    account_id INTEGER NOT NULL REFERENCES account (id),
                    name TEXT NOT NULL,
                    -- AES-GCM with the key in secrets.key
                    sealed BLOB NOT NULL,
                    PRIMARY KEY (account_id, name)
                ) STRICT, WITHOUT ROWID;

                CREATE TABLE account_address (
                    account_id INTEGER NOT NULL REFERENCES account (id),
                    address TEXT NOT NULL,
                    first_seen REAL NOT NULL,
                    PRIMARY KEY (account_id, address)
                ) STRICT, WITHOUT ROWID;

                -- A body that somebody damaged is nobody's; the chain tells of it.
                CREATE INDEX audit_account ON audit (\(AuditColumn.account.expression));
                CREATE INDEX audit_key ON audit (\(AuditColumn.key.expression));
                """)
    }
}

/// What the audit log can be searched by: a member of its bodies.
///
/// SQLite finds an index on an expression by its text (https://sqlite.org/expridx.html), so it stands here once.
enum AuditColumn: String {
    case account, key

    var expression: String {
        "CASE WHEN json_valid(body) THEN json_extract(body, '$.\(rawValue)') END"
    }
}
