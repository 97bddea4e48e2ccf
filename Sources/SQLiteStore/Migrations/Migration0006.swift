internal import GRDB

/// What the operator has switched off.
enum Migration0006 {
    static let name = "0006-switches"

    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE off_switch (
                    -- everything, program NAME, instance ID, machine ID
                    target TEXT PRIMARY KEY,
                    reason TEXT NOT NULL,
                    since REAL NOT NULL
                ) STRICT, WITHOUT ROWID;
                """)
    }
}
