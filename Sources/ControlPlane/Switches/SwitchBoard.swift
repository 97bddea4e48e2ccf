internal import AgentLink
internal import CommandPolicy
package import Logging
internal import NIOConcurrencyHelpers
internal import ServiceLifecycle

/// What is switched off now, as commands ask for it.
///
/// The operator's verb writes into the store from another process; so the board looks there once a second, and a
/// command never does.
package final class SwitchBoard: Service {
    private let store: any SwitchStore & CommandStore
    private let bell: CompletionBell
    private let time: WallTime
    private let logger: Logger
    private let switches = NIOLockedValueBox<[OffSwitch]>([])

    package init(
        store: any SwitchStore & CommandStore, bell: CompletionBell, time: WallTime, logger: Logger
    ) {
        self.store = store
        self.bell = bell
        self.time = time
        self.logger = logger
    }

    /// The switch that keeps a command from being accepted; nil when nothing does.
    package func switchedOff(
        program: String?, instance: Instance.ID, machine: Machine.ID
    ) -> OffSwitch? {
        switches.withLockedValue { switches in
            switches.first { $0.covers(program: program, instance: instance, machine: machine) }
        }
    }

    /// Looks into the store, and ends what waits there for its machine and is off.
    package func refresh() async throws {
        let now = try await store.offSwitches()
        switches.withLockedValue { $0 = now }
        guard !now.isEmpty else { return }
        try await forEachPage {
            try await store.queuedCommands(startBefore: .infinity, after: $0, limit: $1)
        } do: { page in
            // All at once, so that they share a flush: a machine that comes back meanwhile is sent what is queued.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for command in page { group.addTask { try await self.endIfOff(command) } }
                try await group.waitForAll()
            }
        }
    }

    private func endIfOff(_ command: Command) async throws {
        guard
            let off = switchedOff(
                program: command.decision.argv.first, instance: command.instanceID,
                machine: command.machineID)
        else { return }
        let ended = try await store.finish(
            command.id, from: .queued, as: .cancelled,
            outcome: CommandOutcome(note: off.message, sha256: CommandFinished.emptyDigest),
            startedAt: nil, at: time.now())
        if let ended, ended.moved { bell.ring(ended.command) }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await self.refresh()
                } catch {
                    self.logger.warning("switches not read", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// How long a switch may take to be seen.
    private static let interval = Duration.seconds(1)
}
