internal import AgentLink

/// A way out of a command before its tool's main.
struct CommandRefusal: Error, Sendable {
    let outcome: CommandFinished.Outcome
    /// For the person who sent the command.
    let note: String
    /// Whether it means a bug or an attack, so that the operator must hear of it.
    let isAlarm: Bool

    init(_ outcome: CommandFinished.Outcome, _ note: String, isAlarm: Bool = false) {
        self.outcome = outcome
        self.note = note
        self.isAlarm = isAlarm
    }
}

/// The container is not what we took it for; nothing was run.
struct OutdatedContainer: Error {}
