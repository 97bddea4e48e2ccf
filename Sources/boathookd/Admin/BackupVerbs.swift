import ArgumentParser
import ControlPlane
import FoundationEssentials
import SQLiteStore

/// `boathook admin backup FOLDER`.
struct BackupVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the server's state into a new folder, while it serves.",
        discussion: """
            The database is copied as of one moment; then the results that it knows. Keys are in it as \
            digests alone. Two files are not in it: the server's own key (DATA_DIR/server.key), and that with \
            which environment variables and what instances are made from are sealed (DATA_DIR/secrets.key). \
            Keep copies of them, and apart from backups: beside secrets.key, nothing in a backup is sealed.
            """)

    @OptionGroup var admin: AdminOptions

    @Argument(help: "The folder to make.")
    var folder: String

    func run() async throws {
        let source = try DataFolder(try admin.options.settings().dataDir)
        let store = try admin.store()
        guard !FileManager.default.fileExists(atPath: folder) else {
            throw SettingError(folder, "is there already")
        }
        let target = try DataFolder(folder)
        try await store.backUp(to: target.database)
        // After the database: a result that it knows is there, and one that it does not know is no harm.
        if FileManager.default.fileExists(atPath: source.results) {
            try FileManager.default.copyItem(atPath: source.results, toPath: target.results)
        }
        print("backed up to \(target.path)")
    }
}

/// `boathook admin restore FOLDER`.
struct RestoreVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a new data folder from a backup.",
        discussion: """
            Commands that had not ended when the backup was made are ended as lost: they are never sent \
            again. The data folder must not be there. Put the server's old server.key and secrets.key into it \
            before the server starts: without the first, machines do not know the server any more, and must join \
            again; without the second, environment variables must be set again, and instances made again.
            """)

    @OptionGroup var options: SettingsOptions

    @Argument(help: "The backup's folder.")
    var folder: String

    func run() async throws {
        let path = try options.settings().dataDir
        guard !FileManager.default.fileExists(atPath: path) else {
            throw SettingError(path, "is there already; a restore makes a new data folder")
        }
        let source = try DataFolder(folder)
        guard source.hasDatabase else { throw SettingError(folder, "holds no backup") }
        let target = try DataFolder(path)
        try target.lock()
        try FileManager.default.copyItem(atPath: source.database, toPath: target.database)
        if FileManager.default.fileExists(atPath: source.results) {
            try FileManager.default.copyItem(atPath: source.results, toPath: target.results)
        }
        let store = try SQLiteStore(path: target.database)
        let now = WallTime.system.now()
        let count = try await store.endAllOpenCommands(
            note: "it had not ended when the backup was made from which the server was restored",
            at: now)
        try await store.append(
            AuditEntry(
                time: now, event: .backupRestored, detail: "\(count) open commands ended as lost"))
        print("restored to \(target.path); \(count) open commands ended as lost")
    }
}
