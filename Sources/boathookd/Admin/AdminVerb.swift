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
            ShowMachinesVerb.self, RevokeMachineVerb.self,
            BlockUserVerb.self,
            UnblockUserVerb.self, AuditVerb.self, SwitchOffVerb.self,
            SwitchOnVerb.self, ShowSwitchesVerb.self, BackupVerb.self, RestoreVerb.self,
        ])
}

/// Which server's state is meant.
struct AdminOptions: ParsableArguments {
    @OptionGroup var options: SettingsOptions

    func folder() throws -> DataFolder {
        try DataFolder(try options.settings().dataDir)
    }

    func store() throws -> SQLiteStore {
        let folder = try folder()
        guard folder.hasDatabase else {
            throw SettingError(
                folder.path, "no server has kept its state here; start one, or use --data-dir")
        }
        return try SQLiteStore(path: folder.database)
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
