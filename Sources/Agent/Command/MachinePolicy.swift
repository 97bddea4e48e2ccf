internal import AgentLink
package import CommandPolicy

/// This machine's own decision, from the words alone: what the server allows is narrowed by it, never widened.
package struct MachinePolicy: Sendable {
    private let policy: Policy

    /// - Parameter policy: All that may ever run here.
    package init(_ policy: Policy) {
        self.policy = policy
    }

    /// - Returns: What both allow.
    /// - Throws: ``CommandRefusal`` when this machine does not allow it, or sees another thing in it than the server.
    func decide(_ order: RunCommand) throws(CommandRefusal) -> Decision {
        var decision = policy.decide(
            argv: order.argv, on: order.view, scope: CommandScope(paths: order.paths))
        if let denial = decision.denial {
            throw CommandRefusal(.denied, "refused by the machine: \(denial.message)")
        }
        let previews = order.removal?.previews ?? false
        let agrees = previews ? decision.writes && !order.writes : decision.writes == order.writes
        guard agrees, decision.backend == order.backend else {
            throw CommandRefusal(
                .denied, "server and machine do not agree on what this command changes")
        }
        decision.writes = order.writes
        decision.limits = decision.limits?.narrowed(by: order.limits)
        return decision
    }
}
