internal import AgentLink
package import Logging
internal import NIOConcurrencyHelpers
internal import ServiceLifecycle

/// Which machines' tokens the operator has revoked, as agents' calls ask for it; ends what such a machine has.
///
/// The operator's verb writes into the store from another process; so this looks there once a second, as
/// ``SwitchBoard`` does. New calls are refused by the store itself, from the moment of the verb on.
package final class RevokedMachines: Service {
    private let store: any MachineStore & InstanceStore & CommandStore
    private let dispatcher: Dispatcher
    private let bell: CompletionBell
    private let time: WallTime
    private let logger: Logger
    private let revoked = NIOLockedValueBox<Set<Machine.ID>>([])
    /// Those of which nothing is left to end.
    private let ended = NIOLockedValueBox<Set<Machine.ID>>([])

    package init(
        store: any MachineStore & InstanceStore & CommandStore, dispatcher: Dispatcher,
        bell: CompletionBell, time: WallTime, logger: Logger
    ) {
        self.store = store
        self.dispatcher = dispatcher
        self.bell = bell
        self.time = time
        self.logger = logger
    }

    /// For calls whose token was looked at before: a body may take long to come.
    ///
    /// - Throws: ``ControlPlaneError/Code/unauthenticated`` when the machine has been revoked meanwhile.
    func check(_ machine: Machine) throws {
        guard !revoked.withLockedValue({ $0.contains(machine.id) }) else {
            throw ControlPlaneError.invalidMachineToken
        }
    }

    /// Looks into the store; closes the links of revoked machines, and ends their commands and instances.
    package func refresh() async throws {
        let now = try await store.revokedMachines()
        // First of all: from here on nothing of theirs is taken, and what is ended below stays so.
        revoked.withLockedValue { $0 = now }
        for machine in now { dispatcher.end(machine) }
        for machine in now.subtracting(ended.withLockedValue { $0 }) {
            guard try await endAll(of: machine) else { continue }
            ended.withLockedValue { _ = $0.insert(machine) }
            logger.info("machine revoked", metadata: ["boathook.machine.id": "\(machine)"])
        }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await self.refresh()
                } catch {
                    self.logger.warning(
                        "revoked machines not read", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// What it was given may have run, and nobody will hear of it; what waits does not run.
    ///
    /// Returns whether that is all: a command that moved on meanwhile is left for the next look.
    private func endAll(of machine: Machine.ID) async throws -> Bool {
        try await store.forgetInstances(machine: machine, at: time.now())
        for command in try await store.openCommands(machine: machine) {
            let isQueued = command.state == .queued
            let finished = try await store.finish(
                command.id, from: command.state, as: isQueued ? .cancelled : .lost,
                outcome: CommandOutcome(
                    note: "its machine was revoked by the operator",
                    sha256: CommandFinished.emptyDigest, isComplete: isQueued),
                startedAt: nil, at: time.now())
            if let finished, finished.moved { bell.ring(finished.command) }
        }
        return try await store.openCommands(machine: machine).isEmpty
    }

    /// How long a revocation may take to be seen.
    private static let interval = Duration.seconds(1)
}
