/// How far a caller's key reaches into what a policy allows; it only narrows.
package struct CommandScope: Sendable, Hashable {
    /// Names of policies (`vast`) or rules (`vast/ls`); nil for every rule.
    package var commands: [String]?
    /// Absolute paths below which everything must lie; nil for everywhere.
    package var paths: [String]?
    /// Whether a command may change something.
    package var writes: Bool

    package init(commands: [String]? = nil, paths: [String]? = nil, writes: Bool = true) {
        self.commands = commands
        self.paths = paths
        self.writes = writes
    }

    /// Narrows nothing.
    package static let everything = CommandScope()

    /// Whether a rule is among ``commands``.
    func grants(_ rule: ProgramRule) -> Bool {
        guard let commands else { return true }
        return commands.contains { name in
            name.hasSameBytes(as: rule.id) || name.hasSameBytes(as: rule.policy)
        }
    }
}
