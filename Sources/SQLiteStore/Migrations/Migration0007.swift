internal import GRDB

/// Machines whose token the operator took away.
enum Migration0007 {
    static let name = "0007-revoked-machines"

    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE machine ADD COLUMN revoked_at REAL;

                CREATE INDEX machine_revoked ON machine (id) WHERE revoked_at IS NOT NULL;
                """)
    }
}
