import ArgumentParser
import ControlPlane
import FoundationEssentials
import ResultStores
import SQLiteStore

/// `boathook admin backup FOLDER`.
struct BackupVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the server's state into a new folder, while it serves.",
        discussion: """
            The database is copied as of one moment; then the results that it knows, as far as they are not \
            gone by then. Until all is there the folder's name is FOLDER.partial. Keys are in it as \
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
        try await UnfinishedFolder.make(folder) { target in
            let ids = try await store.backUp(to: target.database)
            try FileResultStore.copy(ids, from: source.results, to: target.results)
        }
        print("backed up to \(folder)")
    }
}

/// `boathook admin restore FOLDER`.
struct RestoreVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a new data folder from a backup.",
        discussion: """
            Commands that had not ended when the backup was made are ended as lost: they are never sent \
            again. Wishes for instances that were not carried out are given up, but for those to destroy one; due \
            times of scheduled jobs up to now are passed over. The data folder must not be there; until all is \
            in it, its name is DATA_DIR.partial. Put the server's old server.key and secrets.key into it \
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
        guard FileManager.default.fileExists(atPath: folder + "/boathook.db") else {
            throw SettingError(folder, "holds no backup")
        }
        let source = try DataFolder(folder)
        var summary = ""
        try await UnfinishedFolder.make(path) { target in
            try FileManager.default.copyItem(atPath: source.database, toPath: target.database)
            let store = try SQLiteStore(path: target.database)
            summary = try await Self.endWhatIsOpen(in: store)
            let ids = try await store.keptResults()
            try store.close()
            try FileResultStore.copy(ids, from: source.results, to: target.results)
        }
        print("restored to \(path); \(summary)")
    }

    /// The past must not happen again.
    private static func endWhatIsOpen(in store: SQLiteStore) async throws -> String {
        let now = WallTime.system.now()
        let note = "it had not ended when the backup was made from which the server was restored"
        let commands = try await store.endAllOpenCommands(note: note, at: now)
        let wishes = try await store.giveUpOpenWishes(at: now)
        let dueTimes = try await store.passOverDueTimes(note: note, at: now)
        let summary = """
            \(commands) open commands ended as lost, \(wishes) wishes for instances given up, \
            \(dueTimes) due times of jobs passed over
            """
        try await store.append(AuditEntry(time: now, event: .backupRestored, detail: summary))
        return summary
    }
}
