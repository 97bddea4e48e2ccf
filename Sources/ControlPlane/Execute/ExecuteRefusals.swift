internal import CommandPolicy

/// How much like upstream `execute` behaves (design.md, "The wire").
package enum Compatibility: String, Sendable, Hashable, CaseIterable {
    /// Running and stopped instances, explained refusals.
    case boathook
    /// Upstream's refusals, messages and intervals, for those who test against them.
    case vastStrict = "vast-strict"
}

/// What is said to those whose order is not accepted, in upstream's words where it has some (contract 1.1).
struct ExecuteRefusals: Sendable {
    let compatibility: Compatibility

    /// - Throws: ``ControlPlaneError`` for an instance on which such a command cannot run now.
    func checkState(of instance: Instance, _ decision: Decision) throws {
        if decision.backend == .logs {
            // What the agent did with an instance can be told before there is a container.
            let source = LogRequest(argv: decision.argv)?.source
            guard instance.containerID != nil || source != .container else { throw Self.notReady }
            return
        }
        if compatibility == .vastStrict, instance.status.isRunning {
            throw ControlPlaneError(.invalidArguments, Self.onlyStopped)
        }
        if instance.status == .unknown || instance.containerID == nil { throw Self.notReady }
    }

    /// Upstream's sentence, and after it, unless strictness forbids, why.
    func error(_ denial: Decision.Denial, _ decision: Decision) -> ControlPlaneError {
        // A request of a log has no command in it that could be another one.
        if decision.backend == .logs {
            return ControlPlaneError(.notAuthorized, denial.message, denial: denial)
        }
        let upstream =
            switch denial.code {
            case "missing_command": "Missing command."
            case "too_long": "Invalid command."
            default: Self.refused
            }
        guard compatibility != .vastStrict else {
            return ControlPlaneError(.commandRefused, upstream)
        }
        guard upstream == Self.refused else {
            return ControlPlaneError(.invalidArguments, upstream)
        }
        var message = "\(upstream) \(denial.message)"
        if let nearest = denial.nearest { message += " Nearest allowed: \(nearest)" }
        return ControlPlaneError(.commandRefused, message, denial: denial)
    }

    private static let notReady = ControlPlaneError(.instanceNotReady, "Container not ready")
    private static let refused = "Invalid command given."
    private static let onlyStopped =
        "Execute command only avail on stopped instances. Use ssh to run commands on running instances."
}
