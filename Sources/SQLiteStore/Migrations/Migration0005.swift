internal import GRDB

/// What commands that remove were to do, and what they did.
enum Migration0005 {
    static let name = "0005-removals"

    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                -- JSON; NULL for commands that remove nothing
                ALTER TABLE command ADD COLUMN removal_order TEXT;
                -- JSON; NULL where nobody knows, too
                ALTER TABLE command ADD COLUMN removal TEXT;
                -- what tells orders of the same words apart
                ALTER TABLE command ADD COLUMN variant TEXT NOT NULL DEFAULT '';

                CREATE INDEX command_removals_under_way ON command (key_id)
                    WHERE finished_at IS NULL AND removal_order IS NOT NULL;
                """)
    }
}
