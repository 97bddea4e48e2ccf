internal import GRDB

/// Accounts, keys, machines, instances, commands.
///
/// Ids come from `AUTOINCREMENT`, which never gives one out again, not even after the row with the
/// highest one was deleted (https://sqlite.org/autoinc.html). Times are Unix seconds.
enum Migration0001 {
    static let name = "0001-first"

    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE account (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    name TEXT NOT NULL UNIQUE,
                    is_blocked INTEGER NOT NULL DEFAULT 0
                ) STRICT;

                CREATE TABLE api_key (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    account_id INTEGER NOT NULL REFERENCES account (id),
                    digest BLOB NOT NULL UNIQUE,
                    name TEXT NOT NULL,
                    created_at REAL NOT NULL,
                    revoked_at REAL
                ) STRICT;

                CREATE TABLE machine (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    name TEXT NOT NULL,
                    -- NULL: the machine on which the server itself runs; at most one
                    token_digest BLOB UNIQUE,
                    created_at REAL NOT NULL
                ) STRICT;

                CREATE UNIQUE INDEX machine_local ON machine ((token_digest IS NULL))
                    WHERE token_digest IS NULL;

                CREATE TABLE join_token (
                    digest BLOB PRIMARY KEY,
                    expires_at REAL NOT NULL
                ) STRICT, WITHOUT ROWID;

                CREATE TABLE instance (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    account_id INTEGER NOT NULL REFERENCES account (id),
                    machine_id INTEGER NOT NULL REFERENCES machine (id),
                    container_id TEXT NOT NULL,
                    name TEXT NOT NULL,
                    image TEXT NOT NULL,
                    label TEXT,
                    status TEXT NOT NULL,
                    status_message TEXT,
                    created_at REAL NOT NULL,
                    started_at REAL,
                    environment TEXT NOT NULL,
                    -- when the container went; the row stays, so that the id is spent
                    removed_at REAL
                ) STRICT;

                CREATE UNIQUE INDEX instance_container ON instance (machine_id, container_id)
                    WHERE removed_at IS NULL;
                CREATE INDEX instance_account ON instance (account_id, id)
                    WHERE removed_at IS NULL;

                CREATE TABLE command (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    account_id INTEGER NOT NULL REFERENCES account (id),
                    key_id INTEGER NOT NULL REFERENCES api_key (id),
                    instance_id INTEGER NOT NULL REFERENCES instance (id),
                    machine_id INTEGER NOT NULL REFERENCES machine (id),
                    container_id TEXT NOT NULL,
                    text TEXT NOT NULL,
                    decision TEXT NOT NULL,
                    -- the caller's name for this one order; good for a day
                    idempotency_key TEXT,
                    state TEXT NOT NULL,
                    timeout_seconds INTEGER NOT NULL,
                    created_at REAL NOT NULL,
                    start_by REAL NOT NULL,
                    result_digest BLOB NOT NULL,
                    -- NULL once the bytes are gone
                    result_expires_at REAL,
                    started_at REAL,
                    finished_at REAL,
                    exit_code INTEGER,
                    signal INTEGER,
                    note TEXT,
                    stdout_bytes INTEGER,
                    stderr_bytes INTEGER,
                    sha256 TEXT,
                    is_complete INTEGER,
                    runtime REAL
                ) STRICT;

                -- further URLs of a result, for callers who sent their order again
                CREATE TABLE result_secret (
                    command_id INTEGER NOT NULL REFERENCES command (id),
                    digest BLOB NOT NULL,
                    PRIMARY KEY (command_id, digest)
                ) STRICT, WITHOUT ROWID;

                CREATE INDEX command_idempotency ON command (key_id, idempotency_key, id)
                    WHERE idempotency_key IS NOT NULL;
                CREATE INDEX command_account_open ON command (account_id)
                    WHERE finished_at IS NULL;
                CREATE INDEX command_account ON command (account_id, id);
                CREATE INDEX command_open ON command (machine_id, id)
                    WHERE finished_at IS NULL;
                CREATE INDEX command_overdue ON command (start_by)
                    WHERE finished_at IS NULL;
                CREATE INDEX command_result_expiry ON command (result_expires_at)
                    WHERE finished_at IS NOT NULL AND result_expires_at IS NOT NULL;
                """)
    }
}
