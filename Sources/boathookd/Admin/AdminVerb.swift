import ArgumentParser
import ControlPlane
import SQLiteStore

/// `boathook admin`: what the operator does on the server's own machine, with the server running or not.
struct AdminVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin",
        abstract: "Manage users, keys and machines in the server's data folder.",
        subcommands: [
            CreateKeyVerb.self, ShowKeysVerb.self, RevokeKeyVerb.self, JoinTokenVerb.self,
            BlockUserVerb.self,
            UnblockUserVerb.self, AuditVerb.self, SwitchOffVerb.self,
            SwitchOnVerb.self, ShowSwitchesVerb.self, BackupVerb.self, RestoreVerb.self,
        ])
}

/// Which server's state is meant.
struct AdminOptions: ParsableArguments {
    @OptionGroup var options: SettingsOptions

    func store() throws -> SQLiteStore {
        let folder = try DataFolder(try options.settings().dataDir)
        guard folder.hasDatabase else {
            throw SettingError(
                folder.path, "no server has kept its state here; start one, or use --data-dir")
        }
        return try SQLiteStore(path: folder.database)
    }
}

struct JoinTokenVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join-token",
        abstract: "Print a token with which one machine may join, once.")

    @OptionGroup var admin: AdminOptions

    @Option(help: ArgumentHelp("For how many minutes it is good.", valueName: "n"))
    var minutes = 60

    func run() async throws {
        let store = try admin.store()
        let secret = Secret()
        let now = WallTime.system.now()
        try await store.append(
            AuditEntry(
                time: now, event: .joinTokenCreated, detail: "good for \(minutes) minutes"))
        try await store.addJoinToken(secret.digest, expiresAt: now + Double(minutes) * 60)
        print(secret.text)
    }
}

struct BlockUserVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "block-user",
        abstract: "Refuse all that a user asks for (403), from the next request on.")

    @OptionGroup var admin: AdminOptions

    @Argument(help: "The user's name.")
    var user: String

    func run() async throws {
        guard try await admin.store().setBlocked(true, accountNamed: user) else {
            throw ValidationError("there is no user \(user)")
        }
    }
}

struct UnblockUserVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unblock-user", abstract: "Serve a blocked user again.")

    @OptionGroup var admin: AdminOptions

    @Argument(help: "The user's name.")
    var user: String

    func run() async throws {
        guard try await admin.store().setBlocked(false, accountNamed: user) else {
            throw ValidationError("there is no user \(user)")
        }
    }
}
