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
            var kept = results.kept().makeAsyncIterator()
            while !Task.isCancelled {
                do {
                    try await endQueuedCommands()
                    if round % 10 == 0 { try await endLostCommands() }
                    if round % 60 == 0 { try await collect() }
                    // One page a second: nobody waits for what is not even known.
                    if let page = try await kept.next() { try await removeStrays(among: page) }
                } catch {
                    logger.error(
                        "housekeeping failed", metadata: ["error": "\(String(reflecting: error))"])
                }
                round += 1
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// One look at all commands whose start is overdue.
    package func endOverdueCommands() async throws {
        try await endQueuedCommands()
        try await endLostCommands()
    }

    private func endQueuedCommands() async throws {
        let now = time.steady()
        try await forEachPage {
            try await commands.queuedCommands(startBefore: now, after: $0, limit: $1)
        } do: { page in
            try await end(
                page, as: .expired, note: "its machine was away until its start was overdue")
        }
    }

    private func endLostCommands() async throws {
        let now = time.steady()
        guard now > startedAt + Self.absenceGrace else { return }
        try await forEachPage {
            try await commands.overdueCommands(at: now - Self.absenceGrace, after: $0, limit: $1)
        } do: { page in
            let lost = page.filter { command in
                [.dispatched, .running].contains(command.state)
                    && now > command.startBy + Double(command.timeoutSeconds) + Self.absenceGrace
                    && !dispatcher.isConnected(command.machineID)
            }
            try await end(
                lost, as: .lost, note: "its machine has not been heard of since it was sent there")
        }
    }

    /// Ends commands that are still where they were, all at once: so they share a flush.
    private func end(_ page: [Command], as state: CommandState, note: String) async throws {
        let outcome = CommandOutcome(
            note: note, sha256: CommandFinished.emptyDigest, isComplete: state == .expired)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for command in page {
                group.addTask {
                    let ended = try await commands.finish(
                        command.id, from: command.state, as: state, outcome: outcome,
                        startedAt: nil, at: time.now())
                    // One that was sent to its machine in that moment goes on.
                    if let ended, ended.moved { bell.ring(ended.command) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// One look at everything that is kept: bytes of which nothing is known, or which are known to be gone, go.
    ///
    /// A disk brings bytes back that were removed just before a loss of power, and a copy of a data folder may have more
    /// of them than its database knows.
    package func removeStrays() async throws {
        for try await page in results.kept() { try await removeStrays(among: page) }
    }

    private func removeStrays(among page: [Command.ID]) async throws {
        let known = try await commands.commandsWithResults(among: page)
        let strays = page.filter { !known.contains($0) }
        guard await delete(strays).count > 0 else { return }
        logger.info("results removed that no command has", metadata: ["count": "\(strays.count)"])
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
            let gone = await delete(ids)
            try await commands.forgetResults(gone)
            // What cannot be removed now is tried again at the next look.
            guard gone.count == ids.count else { return }
        }
    }

    /// Returns those that are gone for good.
    private func delete(_ ids: [Command.ID]) async -> [Command.ID] {
        do {
            try await results.delete(ids)
            return ids
        } catch {
            logger.error(
                "results not removed",
                metadata: ["count": "\(error.ids.count)", "error": "\(error.reason)"])
            return ids.filter { !error.ids.contains($0) }
        }
    }
}
