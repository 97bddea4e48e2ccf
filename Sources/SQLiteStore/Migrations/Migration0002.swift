internal import GRDB

/// Wishes to cancel that outlive a link, and an order of ends for what is collected by age.
enum Migration0002 {
    static let name = "0002-cancellation-and-collection"

    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                -- when somebody wished that the command end, while its machine had it
                ALTER TABLE command ADD COLUMN cancel_requested_at REAL;

                CREATE INDEX command_ended ON command (finished_at)
                    WHERE finished_at IS NOT NULL AND result_expires_at IS NULL;
                """)
    }
}
