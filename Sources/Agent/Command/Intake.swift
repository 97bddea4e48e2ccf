internal import AgentLink
internal import FaultPoints
internal import FoundationEssentials
internal import Jail
internal import Logging

/// Takes orders, runs each once, and hands the ends over until the server has acknowledged them.
actor Intake {
    private let runner: CommandRunner
    private let journal: Journal
    private let link: any ServerLink
    private let logger: Logger
    /// Every command that the server may still ask about.
    private var held: [Int64: Held] = [:]
    /// Wishes to cancel what was not here yet; a new link begins without any.
    private var earlyWishes: Set<Int64> = []
    private let work: AsyncStream<Work>
    private let queue: AsyncStream<Work>.Continuation

    private struct Held: Sendable {
        let cancellation = JailCancellation()
        let live = LiveOutput()
    }

    private enum Work: Sendable {
        case run(CommandRunner.Job)
        case deliver(CommandFinished, SpooledOutput)
        case relay(SendOutput, LiveOutput?)
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

    /// A link was opened: what is open is sent again, with all wishes to cancel it.
    func beginLink() {
        earlyWishes = []
    }

    /// Takes an order; one that is held already changes nothing.
    ///
    /// Orders for one instance must come one after the other: they are run in the order of these calls.
    func take(_ order: RunCommand) async {
        let id = order.commandID
        guard held[id] == nil else { return }
        let entry = Held()
        held[id] = entry
        if order.isCancelled || earlyWishes.remove(id) != nil { entry.cancellation.cancel() }
        guard await !journal.isAcknowledged(id) else {
            // The server has its end, or lost it; either way it must not start again.
            queue.yield(
                .deliver(
                    CommandFinished(
                        commandID: id, outcome: .lost,
                        note: "it was started here before, and its end was handed over",
                        complete: false),
                    .none))
            return
        }
        FaultPoint.orderTaken.reached()
        let deadline = ContinuousClock.now + .milliseconds(order.startWithinMilliseconds)
        let place = await runner.turns(for: order).enqueue(
            order.containerID, writes: order.writes)
        queue.yield(
            .run(
                CommandRunner.Job(
                    order: order, place: place, deadline: deadline,
                    cancellation: entry.cancellation, live: entry.live,
                    started: { [link] time in Self.announce(id, at: time, of: entry.live, on: link)
                    },
                    alarm: { [logger] note in
                        logger.error(
                            "order refused: a bug, or an attack",
                            metadata: ["boathook.command.id": "\(id)", "error": "\(note)"])
                    })
            ))
    }

    /// Passes a wish to cancel on.
    func cancel(_ commandID: Int64) {
        if let entry = held[commandID] {
            entry.cancellation.cancel()
        } else if earlyWishes.count < Self.maximumEarlyWishCount {
            // It may have overtaken its order.
            earlyWishes.insert(commandID)
        }
    }

    /// Sends what a command writes to the one who asked for it.
    func relay(_ wish: SendOutput) {
        queue.yield(.relay(wish, held[wish.commandID]?.live))
    }

    /// Works until the task is cancelled.
    ///
    /// What is still running then is killed with the agent.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await item in work {
                group.addTask {
                    switch item {
                    case .run(let job):
                        let (report, output) = await self.runner.run(job)
                        job.live.end()
                        await self.deliver(report, output)
                    case .deliver(let report, let output):
                        await self.deliver(report, output)
                    case .relay(let wish, let live):
                        await self.relay(wish, live)
                    }
                }
            }
        }
    }

    /// Takes up what a former agent of this machine left undone; before the link is opened.
    func takeUpLeftovers() async throws {
        let leftovers = await journal.leftovers()
        try runner.spools.removeLeftovers(except: Set(leftovers.map(\.commandID)))
        for entry in leftovers {
            switch entry {
            case .intent(let commandID, let time):
                let spool = SpooledOutput.recover(runner.spools.leftover(commandID))
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
                held[commandID] = Held()
                queue.yield(.deliver(report, spool.output))
            case .finished(let report):
                held[report.commandID] = Held()
                let spool = SpooledOutput.recover(runner.spools.leftover(report.commandID))
                queue.yield(.deliver(report, spool.output))
            case .acknowledged:
                break
            }
        }
    }

    /// Tells the server that a command runs, unless it has ended by then: most are too quick for it to
    /// be news.
    private static func announce(
        _ commandID: Int64, at time: Double, of live: LiveOutput, on link: any ServerLink
    ) {
        // On its own: the thread that runs the tool does not wait for the link.
        Task {
            try? await Task.sleep(for: .milliseconds(50))
            guard !live.extent.isEnded else { return }
            // While the link is down, its end will tell.
            try? await link.send(
                .commandStarted(CommandStarted(commandID: commandID, startedAt: time)))
        }
    }

    private nonisolated func relay(_ wish: SendOutput, _ live: LiveOutput?) async {
        guard let live, let output = await FollowedOutput.of(live, from: wish.offset) else {
            return
        }
        do {
            try await link.relay(wish.relayID, frames: output)
        } catch {
            // Who follows asks again.
            logger.debug("output not relayed", metadata: ["error": "\(error)"])
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
        FaultPoint.reportAcknowledged.reached()
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
        FaultPoint.acknowledgementWritten.reached()
        output.file?.discard()
        held[report.commandID]?.live.forget()
        held[report.commandID] = nil
    }

    private static let maximumEarlyWishCount = 10_000
}
