internal import GRDB

/// Templates, and which one an instance was made from.
enum Migration0011 {
    static let name = "0011-templates"

    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE template (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    account_id INTEGER NOT NULL REFERENCES account (id),
                    -- its newest version
                    hash_id TEXT NOT NULL,
                    created_at REAL NOT NULL
                ) STRICT;

                CREATE INDEX template_account ON template (account_id);

                CREATE TABLE template_version (
                    -- counts up, so that the newest is known
                    number INTEGER PRIMARY KEY AUTOINCREMENT,
                    template_id INTEGER NOT NULL REFERENCES template (id) ON DELETE CASCADE,
                    hash_id TEXT NOT NULL UNIQUE,
                    is_private INTEGER NOT NULL,
                    -- AES-GCM with the key in secrets.key
                    sealed BLOB NOT NULL,
                    created_at REAL NOT NULL
                ) STRICT;

                CREATE INDEX template_version_template ON template_version (template_id);

                -- No foreign key: what an instance was made from may be gone.
                ALTER TABLE instance ADD COLUMN template_id INTEGER;
                ALTER TABLE instance ADD COLUMN template_hash TEXT;
                ALTER TABLE instance ADD COLUMN template_name TEXT;

                CREATE INDEX instance_template ON instance (template_id, created_at)
                    WHERE template_id IS NOT NULL;
                """)
    }
}
