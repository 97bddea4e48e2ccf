internal import ControlPlane
internal import GRDB

/// All state in one SQLite database: WAL, `synchronous=FULL`, grouped commits.
package final class SQLiteStore: Sendable {
    let pool: DatabasePool
    let writes: GroupCommit

    /// Opens the database, makes it if it is not there, and brings its schema up to date.
    ///
    /// - Parameters:
    ///   - path: The file; its folder must be there, and should be for this user alone: the file, and
    ///     SQLite's two beside it, get the process's usual mode.
    ///   - lockPatience: For how many seconds another process may keep the file to itself.
    ///   - onFullDisk: Called when the disk takes no more; whether the write may be tried again.
    /// - Throws: `DatabaseError`, or ``NotDurable`` when SQLite does not take the durability asked for.
    package init(
        path: String, lockPatience: Double = 10,
        onFullDisk: @escaping @Sendable () -> Bool = { false }
    ) throws {
        var configuration = Configuration()
        configuration.label = "boathook"
        // An `admin` verb may write beside the server.
        configuration.busyMode = .timeout(lockPatience)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 10000")
        }
        pool = try DatabasePool(path: path, configuration: configuration)
        // GRDB sets NORMAL after `prepareDatabase`, which could lose the last commits when power
        // fails; so it is set here, and read back (toolchain.md, 5).
        let level = try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            return try Int.fetchOne(db, sql: "PRAGMA synchronous")
        }
        guard level == 2 else { throw NotDurable() }
        var migrator = DatabaseMigrator()
        migrator.registerMigration(Migration0001.name, migrate: Migration0001.run)
        migrator.registerMigration(Migration0002.name, migrate: Migration0002.run)
        migrator.registerMigration(Migration0003.name, migrate: Migration0003.run)
        migrator.registerMigration(Migration0004.name, migrate: Migration0004.run)
        migrator.registerMigration(Migration0005.name, migrate: Migration0005.run)
        migrator.registerMigration(Migration0006.name, migrate: Migration0006.run)
        migrator.registerMigration(Migration0007.name, migrate: Migration0007.run)
        migrator.registerMigration(Migration0008.name, migrate: Migration0008.run)
        migrator.registerMigration(Migration0009.name, migrate: Migration0009.run)
        migrator.registerMigration(Migration0010.name, migrate: Migration0010.run)
        migrator.registerMigration(Migration0011.name, migrate: Migration0011.run)
        migrator.registerMigration(Migration0012.name, migrate: Migration0012.run)
        migrator.registerMigration(Migration0013.name, migrate: Migration0013.run)
        try migrator.migrate(pool)
        writes = GroupCommit(pool: pool, onFullDisk: onFullDisk)
    }

    /// SQLite reads back another level of `synchronous` than the one that was set.
    package struct NotDurable: Error {}
}
