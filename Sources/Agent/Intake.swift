internal import AgentLink
internal import FoundationEssentials
internal import Glibc
internal import Jail
internal import Logging

/// Takes orders, runs each once, and hands the ends over until the server has acknowledged them.
actor Intake {
    private let runner: CommandRunner
    private let journal: Journal
    private let link: any ServerLink
    private let logger: Logger
    /// Every command that the server may still ask about, with the way to cancel it.
    private var held: [Int64: JailCancellation] = [:]
    private let work: AsyncStream<Work>
    private let queue: AsyncStream<Work>.Continuation

    private enum Work: Sendable {
        case run(RunCommand, JailCancellation)
        case deliver(CommandFinished, SpooledOutput)
    }

    init(runner: CommandRunner, journal: Journal, link: any ServerLink, logger: Logger) {
        self.runner = runner
        self.journal = journal
        self.link = link
        self.logger = logger
        (work, queue) = AsyncStream.makeStream(of: Work.self)
    }

    /// What the server need not send again.
    var heldCommandIDs: [Int64] { Array(held.keys) }

    /// Takes an order; one that is known already changes nothing.
    func take(_ order: RunCommand) async {
        guard held[order.commandID] == nil, await !journal.knows(order.commandID) else { return }
        // It may have been taken during the look into the journal.
        guard held[order.commandID] == nil else { return }
        let cancellation = JailCancellation()
        held[order.commandID] = cancellation
        queue.yield(.run(order, cancellation))
    }

    /// Passes a wish to cancel on; one for a command that is not here has come too late.
    func cancel(_ commandID: Int64) {
        held[commandID]?.cancel()
    }

    /// Works until the task is cancelled.
    ///
    /// What is still running then is killed with the agent.
    func run() async throws {
        try await takeUpLeftovers()
        await withDiscardingTaskGroup { group in
            for await item in work {
                group.addTask {
                    switch item {
                    case .run(let order, let cancellation):
                        let (report, output) = await self.perform(order, cancellation)
                        await self.deliver(report, output)
                    case .deliver(let report, let output):
                        await self.deliver(report, output)
                    }
                }
            }
        }
    }

    /// What a former agent of this machine left undone.
    private func takeUpLeftovers() async throws {
        for entry in await journal.leftovers() {
            switch entry {
            case .intent(let commandID, let time):
                let spool = SpooledOutput.recover(path: runner.spoolPath(commandID))
                let report = CommandFinished(
                    commandID: commandID, outcome: .lost,
                    note: "the agent ended while the command ran; it was not run again",
                    stdoutBytes: spool.stdout, stderrBytes: spool.stderr, sha256: spool.sha256,
                    complete: false, startedAt: time)
                do {
                    try await journal.finish(report)
                } catch {
                    // The intent stays; at worst the next start says the same again.
                    logger.error("journal not written", metadata: ["error": "\(error)"])
                }
                held[commandID] = JailCancellation()
                queue.yield(.deliver(report, spool.output))
            case .finished(let report):
                held[report.commandID] = JailCancellation()
                let spool = SpooledOutput.recover(path: runner.spoolPath(report.commandID))
                queue.yield(.deliver(report, spool.output))
            case .acknowledged:
                break
            }
        }
    }

    private nonisolated func perform(
        _ order: RunCommand, _ cancellation: JailCancellation
    ) async -> (CommandFinished, SpooledOutput) {
        let (starts, started) = AsyncStream.makeStream(of: Double.self)
        return await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.announce(order.commandID, starts) }
            let result = await self.runner.run(order, cancellation: cancellation) {
                started.yield(Date().timeIntervalSince1970)
                started.finish()
            }
            started.finish()
            group.cancelAll()
            return result
        }
    }

    /// Tells the server that a command runs, unless it has ended by then: most are too quick for it to
    /// be news.
    private nonisolated func announce(_ commandID: Int64, _ starts: AsyncStream<Double>) async {
        for await time in starts {
            do {
                try await Task.sleep(for: .milliseconds(50))
                try await link.send(
                    .commandStarted(CommandStarted(commandID: commandID, startedAt: time)))
            } catch {
                return  // it ended, or the link is down: its end will tell
            }
        }
    }

    /// Repeats the report until the server has it.
    private nonisolated func deliver(_ report: CommandFinished, _ output: SpooledOutput) async {
        var pause = Duration.milliseconds(50)
        var (report, output) = (report, output)
        while !Task.isCancelled {
            do {
                try await link.deliver(report, output: output)
                break
            } catch let refusal as ReportRefused {
                logger.error(
                    "report refused",
                    metadata: [
                        "boathook.command.id": "\(report.commandID)", "error": "\(refusal)",
                    ])
                guard report.outputBytes > 0 else { break }
                // The end is worth more than an output that this machine's disk did not keep right.
                report = report.withoutOutput(note: "its output was spoiled on the machine's disk")
                output = output.emptied
            } catch let error as SpoolError {
                guard report.outputBytes > 0 else { break }
                report = report.withoutOutput(note: "its output could not be read: \(error)")
                output = output.emptied
            } catch {
                logger.debug(
                    "report not delivered yet",
                    metadata: ["boathook.command.id": "\(report.commandID)", "error": "\(error)"])
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
        guard !Task.isCancelled else { return }
        await forget(report, output)
    }

    private func forget(_ report: CommandFinished, _ output: SpooledOutput) async {
        if await journal.knows(report.commandID) {
            do {
                try await journal.acknowledge(
                    report.commandID, at: Date().timeIntervalSince1970)
            } catch {
                logger.error("journal not written", metadata: ["error": "\(error)"])
            }
        }
        output.remove()
        held[report.commandID] = nil
    }
}
