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
        if order.backend == .logs { return try decideLog(order) }
        let decision = policy.decide(
            argv: order.argv, on: order.view, scope: CommandScope(paths: order.paths))
        return try accept(decision, for: order)
    }

    /// - Parameters:
    ///   - decision: This machine's.
    ///   - order: What the server sent.
    /// - Returns: What both allow.
    /// - Throws: ``CommandRefusal``, as ``decide(_:)``, and when a second reading differs from the decision.
    func accept(
        _ decision: Decision, for order: RunCommand
    ) throws(CommandRefusal) -> Decision {
        var decision = decision
        if let denial = decision.denial {
            throw CommandRefusal(.denied, "refused by the machine: \(denial.message)")
        }
        try ReadingCheck.check(
            decision, for: order,
            by: policy.rules.first { rule in
                rule.id.utf8.elementsEqual((decision.rule ?? "").utf8)
            })
        // The jail takes no path at all for no bound; policies allow no such thing.
        guard decision.paths?.isEmpty != true else {
            throw CommandRefusal(
                .denied, "refused by the machine: there is nothing that it may see")
        }
        let previews = order.removal?.previews ?? false
        let agrees = previews ? decision.writes && !order.writes : decision.writes == order.writes
        guard agrees, decision.backend == order.backend else {
            throw CommandRefusal(
                .denied, "server and machine do not agree on what this command changes")
        }
        decision.writes = order.writes
        decision.protected += order.protected.filter { path in
            !decision.protected.contains { $0.utf8.elementsEqual(path.utf8) }
        }
        decision.attachesVolumes = decision.attachesVolumes && order.attachesVolumes
        decision.limits = decision.limits?.narrowed(by: order.limits)
        return decision
    }
}
