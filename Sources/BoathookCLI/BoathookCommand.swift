internal import ArgumentParser
internal import Glibc
internal import VastAPI

/// The client's command line.
///
/// `boathook up|server|agent|admin|policy` is the `boathookd` beside it.
package struct BoathookCommand {
    /// Reads the process's arguments, does what they say, and ends the process.
    package static func start() async {
        var isForPrograms = false
        do {
            let given = UnsafeBufferPointer(
                start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
            let arguments = LeadingOptions.moved(try GivenWords.checked(given))
            if let words = DaemonProgram.words(of: arguments) { try DaemonProgram.become(words) }
            var command = try Root.parseAsRoot(arguments)
            isForPrograms = (command as? any ClientVerb)?.options.json ?? false
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as ClientError {
            if isForPrograms { try? StandardStreams.printRefusal(error) }
            StandardStreams.complain(error.description)
            exit(error.exitCode)
        } catch {
            Root.exit(withError: error)
        }
    }
}

/// A verb that asks a server.
protocol ClientVerb: AsyncParsableCommand {
    var options: ClientOptions { get }
}

/// All verbs.
struct Root: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "boathook",
        abstract:
            "Make container instances, and reach into them, running or stopped, with constrained commands.",
        discussion: """
            The server is --url, or BOATHOOK_URL, or VAST_URL (default: http://127.0.0.1:8787). The key is \
            --api-key, or BOATHOOK_API_KEY, or VAST_API_KEY, or what 'boathook set api-key' keeps, or, on \
            the server's own machine, and for no other one, admin.key in its data folder. --url, --api-key and --json may stand before the verb, \
            too.

            Exit status of execute, logs, follow and copy: the command's own; 124 timed out, 125 refused or not started, 126 \
            lost, 128+N ended by signal N, 130 cancelled. Of all others: 0 done, 1 there is no such thing, or it did \
            not come about, 64 wrong usage, 124 --wait took too long, 125 refused.
            """,
        version: BoathookVersion.text,
        subcommands: [
            ExecuteVerb.self, LogsVerb.self, FollowVerb.self, CancelVerb.self, ShowVerb.self,
            CopyVerb.self, SearchVerb.self, CreateVerb.self, LaunchVerb.self,
            ChangeVerb<StartChange>.self,
            ChangeVerb<StopChange>.self, ChangeVerb<RebootChange>.self,
            ChangeVerb<RecycleChange>.self, ChangeVerb<DestroyChange>.self, LabelVerb.self,
            UpdateVerb.self,
            AttachVerb.self, DetachVerb.self, SSHURLVerb.self, SCPURLVerb.self, SetVerb.self,
            UnsetVerb.self, DeleteVerb.self, ResetVerb.self,
        ]
            + (DaemonProgram.isClientOnly
                ? []
                : [
                    UpHelp.self, ServerHelp.self, AgentHelp.self, AdminHelp.self, PolicyHelp.self,
                ]))
}

/// What the machine owner runs: listed for help alone; `boathookd` carries it out.
protocol DaemonHelp: ParsableCommand {}

struct UpHelp: DaemonHelp {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Serve the API for the containers of this machine.")
}

struct ServerHelp: DaemonHelp {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Serve the API for machines that run 'boathook agent'.")
}

struct AgentHelp: DaemonHelp {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Let a server reach into the containers of this machine.")
}

struct AdminHelp: DaemonHelp {
    static let configuration = CommandConfiguration(
        commandName: "admin",
        abstract: "Manage users, keys and machines in the server's data folder.")
}

struct PolicyHelp: DaemonHelp {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Ask what may be run, and why; check a policy's file.")
}
