internal import GRDB

/// The audit log: one table to which rows are added, in their order, and nothing else.
///
/// The triggers keep this program, and people with a shell, from a mistake. Whoever may write the file
/// may also drop them; that is what the chain of hashes is for (docs/audit.md).
enum Migration0004 {
    static let name = "0004-audit"

    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE audit (
                    -- 1, 2, 3 …
                    sequence INTEGER PRIMARY KEY,
                    -- JSON, and what is hashed to the byte
                    body TEXT NOT NULL,
                    -- SHA-256 over the hash before it, the sequence and the body
                    hash BLOB NOT NULL
                ) STRICT;

                CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN
                    SELECT raise(ABORT, 'the audit log is append-only');
                END;

                CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN
                    SELECT raise(ABORT, 'the audit log is append-only');
                END;

                -- INSERT OR REPLACE removes a row without the trigger above
                -- (https://sqlite.org/lang_conflict.html).
                CREATE TRIGGER audit_insert BEFORE INSERT ON audit
                WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM audit) BEGIN
                    SELECT raise(ABORT, 'the audit log is append-only');
                END;
                """)
    }
}
