import ArgumentParser
import CommandPolicy
import FoundationEssentials
import LogLine
import PolicyDocuments

/// `boathook policy`: what may be run, and why; asks no server.
struct PolicyVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Ask what may be run, and why; check a policy's file.",
        subcommands: [PolicyExplainVerb.self, PolicyCheckVerb.self, PolicyShowVerb.self])
}

/// `boathook policy explain COMMAND`.
struct PolicyExplainVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say how a command is read, whether a policy allows it, and what holds it.",
        discussion:
            "Exit status: 0 if it is allowed, 1 if it is denied, 2 if there is no such policy.")

    @Argument(help: "The command, as one argument.")
    var command: String

    @Option(
        help: ArgumentHelp(
            "A shipped policy (vast, inspect, diagnose), or a policy's file.",
            valueName: "name|file"))
    var policy = "vast"

    @Option(
        help: ArgumentHelp(
            "merged, or writable: what the instance wrote itself.", valueName: "view"))
    var view = "merged"

    @Option(
        name: .customLong("path"),
        help: ArgumentHelp("Bind the command to this path, as a key may; may be repeated."))
    var paths: [String] = []

    @Flag(help: "As for a key that may change nothing.")
    var readOnly = false

    @Flag(
        name: [.long, .customLong("raw")], help: "Print the decision as JSON (--raw is the same).")
    var json = false

    func run() throws {
        guard let view = InstanceView(rawValue: view) else {
            throw ValidationError("--view takes merged or writable")
        }
        let scope = CommandScope(
            paths: paths.isEmpty ? nil : paths.map(PathPrefix.normalized), writes: !readOnly)
        let chosen: Policy
        do throws(PolicyError) {
            chosen = try PolicyChoice(policy).policy()
        } catch {
            StandardError.write(error.description + "\n")
            throw ExitCode(2)
        }
        let decision = chosen.decide(command, on: view, scope: scope)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(decision), as: UTF8.self))
        } else {
            print(decision.explanation(), terminator: "")
        }
        guard decision.verdict == .allow else { throw ExitCode(1) }
    }
}

/// `boathook policy check FILE`.
struct PolicyCheckVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read a policy's file, and say what is wrong with it, line by line.",
        discussion: "Exit status: 0 if nothing is, 1 if something is.")

    @Argument(help: "The file.")
    var file: String

    func run() throws {
        do throws(PolicyError) {
            let policy = try PolicyChoice(file).policy()
            print(
                "\(file): policy \(policy.name), \(policy.rules.count) rules: "
                    + policy.programs.joined(separator: " "))
        } catch {
            StandardError.write(error.description + "\n")
            throw ExitCode(1)
        }
    }
}

/// `boathook policy show NAME`.
struct PolicyShowVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print a shipped policy, as the document that it is.")

    @Argument(help: "vast, inspect or diagnose.")
    var name: String

    func run() throws {
        guard let document = Policy.document(ofShipped: name) else {
            throw ValidationError(
                "there is no shipped policy '\(name)'; there are: "
                    + Policy.shipped.map(\.name).joined(separator: ", "))
        }
        print(String(decoding: document, as: UTF8.self), terminator: "")
    }
}
