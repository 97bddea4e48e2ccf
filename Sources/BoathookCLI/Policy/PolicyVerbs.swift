internal import ArgumentParser
internal import CommandPolicy

/// `boathook policy …`.
struct PolicyVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Ask what may be run, and why.",
        subcommands: [PolicyExplainVerb.self])
}

/// `boathook policy explain COMMAND`.
struct PolicyExplainVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say how a command is read and whether the default policy allows it.",
        discussion: "Asks no server. The policy is 'vast': ls, du, rm.")

    @Argument(help: "The command, as one argument.")
    var command: String

    @Flag(
        name: [.long, .customLong("raw")], help: "Print the decision as JSON (--raw is the same).")
    var json = false

    func run() throws {
        let decision = Policy.vast.decide(command)
        try StandardStreams.print(json ? try JSONText.of(decision) : decision.explanation())
    }
}
