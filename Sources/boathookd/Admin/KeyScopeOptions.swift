import ArgumentParser
import ControlPlane
import FoundationEssentials
import VastAPI

/// What a new key may do, as flags.
struct KeyScopeOptions: ParsableArguments {
    @Flag(help: "For an AI agent: it looks at instances and runs commands that only read.")
    var agent = false

    @Flag(help: "With --agent: it may change things too.")
    var allowWrites = false

    @Option(
        help: ArgumentHelp(
            "A file with the permissions as JSON, as 'vastai create api-key' takes it.",
            valueName: "file"))
    var permissions: String?

    @Option(
        help: ArgumentHelp(
            "The policies or rules whose commands it may run, with commas: vast,inspect/cat.",
            valueName: "names"))
    var commands: String?

    @Option(
        help: ArgumentHelp(
            "Below which its commands must stay; may be given more than once.",
            valueName: "folder"))
    var path: [String] = []

    @Option(help: ArgumentHelp("After how many days it ends (default: never).", valueName: "n"))
    var expiresDays: Int?

    @Option(
        help: ArgumentHelp(
            "How many files and folders it may remove in one UTC day.", valueName: "n"))
    var deleteEntries: Int64?

    @Option(help: ArgumentHelp("How many MiB it may remove in one UTC day.", valueName: "n"))
    var deleteMib: Int64?

    func validate() throws {
        guard agent || !allowWrites else {
            throw ValidationError("--allow-writes goes with --agent; other keys may change things")
        }
        guard !agent || permissions == nil else {
            throw ValidationError("give either --agent or --permissions")
        }
        guard (1...PermissionFile.maximumDays).contains(expiresDays ?? 1) else {
            throw ValidationError("--expires-days takes 1 to \(PermissionFile.maximumDays)")
        }
        guard (0...Int64.max).contains(deleteEntries ?? 0),
            (0...Int64.max >> 20).contains(deleteMib ?? 0)
        else {
            throw ValidationError("--delete-entries and --delete-mib take whole numbers from 0 on")
        }
    }

    /// What the flags, and the file that they name, ask for.
    ///
    /// - Throws: `ValidationError` when they contradict each other or the file cannot be read.
    func wanted() throws -> (scope: KeyScope, expiresDays: Int?) {
        var scope = KeyScope.everything
        var days = expiresDays
        if agent {
            scope = .agent
            if allowWrites {
                scope.permissions?.grants[.instanceWrite] = .whole
                scope.writes = true
            }
        } else if let permissions {
            let file = try Self.file(permissions)
            scope = file.scope
            days = try Self.one(expiresDays, file.expiresDays, "--expires-days")
        }
        do {
            scope.commands = try Self.one(
                commands.map {
                    try KeyScope.checkedCommands(
                        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
                }, scope.commands, "--commands")
            scope.paths = try Self.one(
                path.isEmpty ? nil : KeyScope.checkedPaths(path), scope.paths, "--path")
        } catch let error as InvalidPermissions {
            throw ValidationError(error.description)
        }
        scope.deletionBudget = try Self.one(
            budget, scope.deletionBudget, "--delete-entries or --delete-mib")
        guard scope.writes || budget == nil else {
            throw ValidationError("a key that may change nothing has no deletion budget")
        }
        return (scope, days)
    }

    private var budget: DeletionBudget? {
        guard deleteEntries != nil || deleteMib != nil else { return nil }
        return DeletionBudget(
            entries: deleteEntries ?? .max, bytes: deleteMib.map { $0 << 20 } ?? .max)
    }

    /// The flag's value or the file's; which of two counts nobody should have to know.
    private static func one<Value>(_ flag: Value?, _ file: Value?, _ name: String) throws -> Value?
    {
        guard flag == nil || file == nil else {
            throw ValidationError("the permission file says already what \(name) says")
        }
        return flag ?? file
    }

    private static func file(_ path: String) throws -> PermissionFile {
        guard let json = FileManager.default.contents(atPath: path) else {
            throw ValidationError("\(path) cannot be read")
        }
        guard StrictJSON.isUnambiguous(json) else {
            throw ValidationError("\(path) is no JSON that means one thing")
        }
        do {
            return try PermissionFile(json: json, parameters: [:])
        } catch {
            throw ValidationError("\(path): \(error)")
        }
    }
}
