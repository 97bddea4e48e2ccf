internal import GRDB

/// What a key may do, until when, and what it has removed.
enum Migration0003 {
    static let name = "0003-key-scopes"

    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                -- JSON; NULL: everything
                ALTER TABLE api_key ADD COLUMN scope TEXT;
                -- NULL: never
                ALTER TABLE api_key ADD COLUMN expires_at REAL;

                CREATE INDEX api_key_account ON api_key (account_id, id);
                CREATE INDEX command_key ON command (key_id, id);

                -- days are counted from 1 January 1970, UTC
                CREATE TABLE deletion_use (
                    key_id INTEGER NOT NULL REFERENCES api_key (id),
                    day INTEGER NOT NULL,
                    entries INTEGER NOT NULL,
                    bytes INTEGER NOT NULL,
                    PRIMARY KEY (key_id, day)
                ) STRICT, WITHOUT ROWID;
                """)
    }
}
