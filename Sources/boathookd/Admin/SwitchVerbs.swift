import ArgumentParser
import ControlPlane
import LogLine
import SQLiteStore

/// What is to be switched: one of them.
struct SwitchTarget: ParsableArguments {
    @Flag(help: "Every command.")
    var everything = false

    @Option(help: ArgumentHelp("A program, such as rm.", valueName: "name"))
    var program: String?

    @Option(help: ArgumentHelp("An instance.", valueName: "id"))
    var instance: Int64?

    @Option(help: ArgumentHelp("All instances of a machine.", valueName: "id"))
    var machine: Int64?

    var targets: [OffSwitch.Target] {
        (everything ? [.everything] : []) + [program.map { .program($0) }].compactMap { $0 }
            + [instance.map { .instance($0) }, machine.map { .machine($0) }].compactMap { $0 }
    }

    func validate() throws {
        guard targets.count == 1 else {
            throw ValidationError("name one of --everything, --program, --instance, --machine")
        }
    }
}

struct SwitchOffVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switch-off",
        abstract: "Accept no more commands of a program, an instance, a machine, or at all.",
        discussion: """
            The server sees it within a second. Commands that wait for their machine are cancelled; those that run are \
            not: 'boathook cancel N' ends one. Callers get 403 switched_off.
            """)

    @OptionGroup var admin: AdminOptions
    @OptionGroup var target: SwitchTarget

    @Option(help: ArgumentHelp("What callers are told.", valueName: "text"))
    var reason = ""

    func run() async throws {
        let store = try admin.store()
        for target in target.targets {
            try await store.switchOff(
                OffSwitch(target: target, reason: reason, since: WallTime.system.now()))
        }
    }
}

struct SwitchOnVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switch-on", abstract: "Accept again what was switched off.")

    @OptionGroup var admin: AdminOptions
    @OptionGroup var target: SwitchTarget

    func run() async throws {
        let store = try admin.store()
        for target in target.targets
        where try await !store.switchOn(target, at: WallTime.system.now()) {
            throw ValidationError("\(target) is not switched off")
        }
    }
}

struct ShowSwitchesVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show-switches", abstract: "List what is switched off.")

    @OptionGroup var admin: AdminOptions

    func run() async throws {
        for off in try await admin.store().offSwitches().sorted(by: { $0.since < $1.since }) {
            print(
                LogLine.text([
                    ("off", "\(off.target)"), ("since", LogLine.time(off.since)),
                    ("reason", off.reason),
                ]))
        }
    }
}
