internal import AgentLink

/// A way out of a command before its tool's main.
struct CommandRefusal: Error, Sendable {
    let outcome: CommandFinished.Outcome
    /// For the person who sent the command.
    let note: String

    init(_ outcome: CommandFinished.Outcome, _ note: String) {
        self.outcome = outcome
        self.note = note
    }
}

/// The container is not what we took it for; nothing was run.
struct OutdatedContainer: Error {}
