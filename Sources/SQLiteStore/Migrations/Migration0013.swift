internal import GRDB

/// What keeps work that is done every second, or for every command, from growing with what there once was.
enum Migration0013 {
    static let name = "0013-less-to-look-at"

    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                -- the timeout that the caller asked for; 0 for none, NULL where nobody wrote it down
                ALTER TABLE command ADD COLUMN asked_timeout INTEGER;

                CREATE INDEX command_queued ON command (start_by)
                    WHERE state = 'queued' AND finished_at IS NULL;

                -- What all results take of the disk, each in whole blocks and one more for its name and trailer.
                CREATE TABLE result_total (
                    id INTEGER PRIMARY KEY CHECK (id = 1),
                    bytes INTEGER NOT NULL
                ) STRICT;

                INSERT INTO result_total (id, bytes)
                    SELECT 1, coalesce(sum(\(byteCount(""))), 0) FROM command
                    WHERE finished_at IS NOT NULL AND result_expires_at IS NOT NULL;

                CREATE TRIGGER command_result_kept AFTER UPDATE OF finished_at ON command
                    WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL
                        AND NEW.result_expires_at IS NOT NULL
                    BEGIN
                        UPDATE result_total SET bytes = bytes + \(byteCount("NEW."));
                    END;

                CREATE TRIGGER command_result_gone AFTER UPDATE OF result_expires_at ON command
                    WHEN OLD.finished_at IS NOT NULL AND OLD.result_expires_at IS NOT NULL
                        AND NEW.result_expires_at IS NULL
                    BEGIN
                        UPDATE result_total SET bytes = bytes - \(byteCount("OLD."));
                    END;
                """)
    }

    /// Of a result, by its command's row.
    private static func byteCount(_ row: String) -> String {
        """
        ((coalesce(\(row)stdout_bytes, 0) + coalesce(\(row)stderr_bytes, 0)) / 4096 * 4096 + 4096)
        """
    }
}
