package import CommandPolicy
package import ContainerEngine
package import Jail
internal import NIOPosix

/// The jail alone, measured: plan, spawn, output, end; no journal, no spool, no link.
package struct JailBench: Sendable {
    private let decision: Decision
    private let jail: Jail

    /// - Throws: When the policy refuses the command.
    package init(argv: [String], policy: Policy, jail: Jail) throws {
        decision = policy.decide(argv: argv)
        self.jail = jail
        if let denial = decision.denial {
            throw JailedCommand.Unreachable(description: denial.message)
        }
    }

    /// Milliseconds of each run.
    package func run(on container: Container, count: Int) async throws -> [Double] {
        try await NIOThreadPool.singleton.runIfActive {
            var times: [Double] = []
            for _ in 0..<count {
                let started = ContinuousClock.now
                let plan = try JailedCommand.plan(
                    decision, on: container, hold: nil, wallTime: .seconds(60),
                    outputLimit: 64 << 20)
                let end = try jail.run(
                    plan, cancellation: JailCancellation(), ready: {}, sink: { _, _ in })
                guard case .exited = end.cause else {
                    throw JailedCommand.Unreachable(description: "\(end.cause)")
                }
                times.append((ContinuousClock.now - started) / .milliseconds(1))
            }
            return times
        }
    }
}
