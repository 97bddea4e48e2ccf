internal import AgentLink
package import Logging
internal import ServiceLifecycle

/// Ends what waits too long, and removes results and records by age and size.
///
/// A command that no machine has been given expires at its deadline. One that was given to a machine
/// is the agent's to end; only when that machine stays away long after the last moment at which it
/// could have run is it declared lost.
package struct Housekeeping: Service {
    private let commands: any CommandStore
    private let results: any ResultStore
    private let dispatcher: Dispatcher
    private let bell: CompletionBell
    private let keeping: ResultKeeping
    private let time: WallTime
    /// Machines had no link to come back on before.
    private let startedAt: Double
    private let logger: Logger

    package init(
        commands: any CommandStore, results: any ResultStore, dispatcher: Dispatcher,
        bell: CompletionBell, keeping: ResultKeeping, time: WallTime, logger: Logger
    ) {
        self.commands = commands
        self.results = results
        self.dispatcher = dispatcher
        self.bell = bell
        self.keeping = keeping
        self.time = time
        startedAt = time.steady()
        self.logger = logger
    }

    /// Seconds after its last possible moment for which a command of an absent machine stays open.
    package static let absenceGrace = 600.0

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var round = 0
            while !Task.isCancelled {
                do {
                    try await endOverdueCommands()
                    if round % 60 == 0 { try await collect() }
                } catch {
                    logger.error(
                        "housekeeping failed", metadata: ["error": "\(String(reflecting: error))"])
                }
                round += 1
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// One look at the commands whose start is overdue.
    package func endOverdueCommands() async throws {
        let now = time.steady()
        for command in try await commands.overdueCommands(at: now) {
            let end: (state: CommandState, note: String)
            switch command.state {
            case .queued:
                end = (.expired, "its machine was away until its start was overdue")
            case .dispatched, .running:
                let last = command.startBy + Double(command.timeoutSeconds)
                guard now > max(last, startedAt) + Self.absenceGrace,
                    !dispatcher.isConnected(command.machineID)
                else { continue }
                end = (.lost, "its machine has not been heard of since it was sent there")
            default:
                continue
            }
            let ended = try await commands.finish(
                command.id, from: nil, as: end.state,
                outcome: CommandOutcome(
                    note: end.note, sha256: CommandFinished.emptyDigest,
                    isComplete: end.state == .expired),
                startedAt: nil, at: time.now())
            if let ended { bell.ring(ended.command) }
        }
    }

    /// One look at what is kept too long, or is too much.
    package func collect() async throws {
        try await removeResults { try await commands.expiredResults(at: time.now(), limit: $0) }
        try await removeResults {
            try await commands.resultsBeyond(byteCount: keeping.totalLimit, limit: $0)
        }
        let oldest = time.now() - keeping.recordLifetime
        while try await commands.deleteCommands(endedBefore: oldest, limit: 500) == 500 {}
    }

    private func removeResults(_ find: (Int) async throws -> [Command.ID]) async throws {
        while true {
            let ids = try await find(500)
            guard !ids.isEmpty else { return }
            var gone: [Command.ID] = []
            for id in ids {
                do {
                    try await results.delete(id)
                    gone.append(id)
                } catch {
                    logger.error(
                        "result not removed",
                        metadata: ["boathook.command.id": "\(id)", "error": "\(error)"])
                }
            }
            try await commands.forgetResults(gone)
            // What cannot be removed now is tried again at the next look.
            guard gone.count == ids.count else { return }
        }
    }
}
