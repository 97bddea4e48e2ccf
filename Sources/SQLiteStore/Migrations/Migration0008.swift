internal import GRDB

/// Instances that Boathook makes: what is wished of them, what they are made from and take; machines' own
/// descriptions; offers.
enum Migration0008 {
    static let name = "0008-wishes"

    static func run(_ db: Database) throws {
        // SQLite cannot let a column be NULL afterwards, so the table is made anew; commands refer to it by its
        // name, and ids that were given out stay spent.
        try db.execute(
            sql: """
                CREATE TABLE new_instance (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    account_id INTEGER NOT NULL REFERENCES account (id),
                    machine_id INTEGER NOT NULL REFERENCES machine (id),
                    -- NULL while there is no container
                    container_id TEXT,
                    name TEXT NOT NULL,
                    image TEXT NOT NULL,
                    label TEXT,
                    status TEXT NOT NULL,
                    status_message TEXT,
                    created_at REAL NOT NULL,
                    started_at REAL,
                    environment TEXT NOT NULL,
                    ports TEXT NOT NULL DEFAULT '[]',
                    written_bytes INTEGER,
                    -- running, stopped, gone; the how manieth wish, of the how manieth container
                    wished TEXT NOT NULL,
                    wish_number INTEGER NOT NULL DEFAULT 0,
                    generation INTEGER NOT NULL DEFAULT 0,
                    is_settled INTEGER NOT NULL DEFAULT 1,
                    -- NULL in all of these: somebody else made its container
                    specification BLOB,
                    runtype TEXT,
                    gpu_count INTEGER,
                    disk_gb REAL,
                    price REAL,
                    -- names in its environment whose values are secrets, as JSON
                    hidden_names TEXT,
                    -- its own key
                    key_id INTEGER REFERENCES api_key (id),
                    -- when the container went; the row stays, so that the id is spent
                    removed_at REAL
                ) STRICT;

                INSERT INTO new_instance (
                    id, account_id, machine_id, container_id, name, image, label, status,
                    status_message, created_at, started_at, environment, wished, removed_at
                ) SELECT
                    id, account_id, machine_id, container_id, name, image, label, status,
                    status_message, created_at, started_at, environment,
                    CASE WHEN status IN ('running', 'frozen', 'rebooting')
                        THEN 'running' ELSE 'stopped' END,
                    removed_at
                FROM instance;

                DELETE FROM sqlite_sequence WHERE name = 'new_instance';
                INSERT INTO sqlite_sequence (name, seq)
                    SELECT 'new_instance', seq FROM sqlite_sequence WHERE name = 'instance';
                DROP TABLE instance;
                ALTER TABLE new_instance RENAME TO instance;

                CREATE UNIQUE INDEX instance_container ON instance (machine_id, container_id)
                    WHERE removed_at IS NULL AND container_id IS NOT NULL;
                CREATE INDEX instance_account ON instance (account_id, id)
                    WHERE removed_at IS NULL;
                CREATE INDEX instance_machine ON instance (machine_id)
                    WHERE removed_at IS NULL;

                -- A key of something that is gone opens nothing; and an account has so many keys and no more.
                CREATE TRIGGER instance_key AFTER UPDATE OF removed_at ON instance
                    WHEN NEW.removed_at IS NOT NULL AND NEW.key_id IS NOT NULL
                    BEGIN
                        UPDATE api_key SET revoked_at = NEW.removed_at
                            WHERE id = NEW.key_id AND revoked_at IS NULL;
                    END;

                ALTER TABLE machine ADD COLUMN report TEXT;
                ALTER TABLE machine ADD COLUMN reported_at REAL;

                CREATE TABLE offer (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    machine_id INTEGER NOT NULL REFERENCES machine (id),
                    gpu_count INTEGER NOT NULL,
                    UNIQUE (machine_id, gpu_count)
                ) STRICT;
                """)
    }
}
