internal import AgentLink
internal import CommandPolicy
internal import ContainerEngine
internal import FaultPoints
internal import FoundationEssentials
internal import Jail
internal import NIOPosix

/// Runs one command from its order to the report of its end.
///
/// Every way out is a report.
struct CommandRunner: Sendable {
    let engine: any ContainerEngine
    let jail: Jail
    let policy: MachinePolicy
    /// Which containers are instances; the server reaches no other.
    let adopted: AdoptedContainers
    let known: KnownContainers
    let journal: Journal
    let turns: CommandTurns
    /// For those who read logs, and for those who follow them.
    let logTurns = CommandTurns(concurrency: 16)
    let followTurns = CommandTurns(concurrency: 64, share: 16)
    /// What this agent did with instances.
    var history = InstanceHistory()
    /// Whose threads wait for tools; as many as there are slots.
    ///
    /// They live as long as the process.
    let threads: NIOThreadPool
    let spools: SpoolFolder
    /// What the engine runs for commands.
    let programs: EnginePrograms
    /// The most bytes of output that this machine lets a command write.
    let outputLimit: Int64

    /// A command on this machine, from its order to its end.
    struct Job: Sendable {
        /// As the server gave it.
        let order: RunCommand
        /// Its place in the line of its instance.
        let place: InstanceLocks.Place
        let deadline: ContinuousClock.Instant
        /// Keeps the tool from starting, or ends it, when it is cancelled.
        let cancellation: JailCancellation
        /// What it writes.
        let live: LiveOutput
        /// Called when the tool runs, with the Unix seconds of its start.
        let started: @Sendable (Double) -> Void
        /// Called with what the operator must hear of.
        let alarm: @Sendable (String) -> Void
    }

    /// - Returns: The end, durable if the command changes something, and its output.
    func run(_ job: Job) async -> (report: CommandFinished, output: SpooledOutput) {
        let order = job.order
        do {
            return try await turns(for: order).withTurn(
                at: job.place, account: order.accountID, cancellation: job.cancellation,
                deadline: job.deadline
            ) {
                let decision = try policy.decide(order)
                try check(job)
                return try await run(job, decision)
            }
        } catch is CancellationError {
            // The agent stops: nothing is reported, and the next one is sent the order again.
            return (CommandFinished(commandID: order.commandID, outcome: .cancelled), .none)
        } catch {
            let (outcome, note) = Self.end(of: error)
            if let refusal = error as? CommandRefusal, refusal.isAlarm { job.alarm(note) }
            return (await ended(order, outcome, note), .none)
        }
    }

    /// What a way out before the tool's main means.
    private static func end(of error: any Error) -> (CommandFinished.Outcome, String) {
        switch error {
        case let refusal as CommandRefusal: (refusal.outcome, refusal.note)
        case CommandTurns.Missed.cancelled: (.cancelled, cancelledEarly)
        case CommandTurns.Missed.overdue: (.expired, overdue)
        // Its message names the machine's own parts.
        case let error as EngineError where error.code == .unreachable:
            (.denied, InstanceFailure(error).message)
        default: (.denied, "\(error)")
        }
    }

    /// The last look before anything is done for the command.
    private func check(_ job: Job) throws {
        if job.cancellation.isCancelled { throw CommandRefusal(.cancelled, Self.cancelledEarly) }
        guard ContinuousClock.now < job.deadline else {
            throw CommandRefusal(.expired, Self.overdue)
        }
    }

    private func run(
        _ job: Job, _ decision: Decision
    ) async throws -> (report: CommandFinished, output: SpooledOutput) {
        if let tool = logsTool(job.order, decision, on: nil) {
            return try await run(job, decision, tool, nil)
        }
        // It becomes a part of the engine's paths.
        guard Container.isID(job.order.containerID) else {
            throw CommandRefusal(.denied, "the order names no container")
        }
        if !decision.writes, let container = known.container(job.order.containerID) {
            do {
                return try await run(job, decision, container, nil)
            } catch is OutdatedContainer {
                known.forget(container.id)
            }
        }
        do {
            return try await runOnFresh(job, decision)
        } catch is OutdatedContainer {
            throw CommandRefusal(
                .denied, "the instance changed its state at that moment; try again")
        }
    }

    private func runOnFresh(
        _ job: Job, _ decision: Decision
    ) async throws -> (report: CommandFinished, output: SpooledOutput) {
        guard let container = try await inspect(job) else {
            throw CommandRefusal(.denied, "the container is gone")
        }
        guard adopted.report(container) != nil else {
            throw CommandRefusal(.denied, "the container is no instance of this machine")
        }
        known.keep(container)
        guard !(decision.writes && container.hasReadOnlyRoot) else {
            throw CommandRefusal(.denied, "its root is read-only (--read-only)")
        }
        guard decision.writes, !container.isRunning else {
            return try await run(job, decision, container, nil)
        }
        let hold = try await engine.holdStopped(container)
        do {
            FaultPoint.holdTaken.reached()
            // It may have been started before the engine gave it to us.
            guard let status = try await engine.summary(of: container.id)?.status,
                ["created", "exited", "stopped", "configured"].contains(status)
            else {
                throw CommandRefusal(
                    .denied, "the instance changed its state at that moment; try again")
            }
            // The engine takes a little while to find out that it will not have the upload.
            guard hold.isHeld else {
                throw CommandRefusal(.denied, "the engine does not let its files be changed now")
            }
            let result = try await run(job, decision, container, hold)
            await hold.release()
            return result
        } catch {
            await hold.release()
            throw error
        }
    }

    /// Asks the engine; one that is being restarted is waited for.
    private func inspect(_ job: Job) async throws -> Container? {
        let patience = min(job.deadline, .now + Self.enginePatience)
        while true {
            do {
                return try await engine.inspect(
                    job.order.containerID, patience: Self.enginePatience)
            } catch let error as EngineError where error.code == .unreachable {
                guard ContinuousClock.now < patience, !job.cancellation.isCancelled else {
                    throw error
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private func run(
        _ job: Job, _ decision: Decision, _ container: Container, _ hold: (any StoppedRootHold)?
    ) async throws -> (report: CommandFinished, output: SpooledOutput) {
        try await run(
            job, decision, try tool(for: job, decision, on: container, hold), hold)
    }

    private func run(
        _ job: Job, _ decision: Decision, _ tool: any CommandTool,
        _ hold: (any StoppedRootHold)?
    ) async throws -> (report: CommandFinished, output: SpooledOutput) {
        let file = try spools.create(job.order.commandID)
        do {
            return try await run(job, decision, tool, into: file, hold)
        } catch {
            // Nothing was run: nobody will ask for it.
            file.discard()
            throw error
        }
    }

    /// What is to be run, and how.
    private func tool(
        for job: Job, _ decision: Decision, on container: Container,
        _ hold: (any StoppedRootHold)?
    ) throws -> any CommandTool {
        let order = job.order
        if let tool = logsTool(order, decision, on: container.id) { return tool }
        let wallTime = min(
            Duration.milliseconds(order.timeoutMilliseconds),
            Duration.seconds(decision.limits?.maximumWallSeconds ?? 0))
        let outputLimit = min(order.outputLimit, outputLimit)
        guard decision.backend == .jail else {
            guard container.isRunning else {
                throw CommandRefusal(
                    .denied,
                    "\(decision.argv.first ?? "it") is for running instances, and this one is stopped"
                )
            }
            return EngineTool(
                programs: programs, container: container.id, arguments: decision.argv,
                wallTime: wallTime,
                outputLimit: min(outputLimit, Int64(decision.limits?.outputBytes ?? .max)))
        }
        let plan: JailPlan
        do {
            plan = try JailedCommand.plan(
                decision, on: container, hold: hold, wallTime: wallTime, outputLimit: outputLimit)
        } catch let error as JailError where error.isGoneProcess {
            throw OutdatedContainer()
        }
        guard let removal = order.removal else {
            return JailedTool(jail: jail, threads: threads, plan: plan)
        }
        let surveyor = RemovalSurveyor(
            plan: plan, upper: try JailedCommand.writableLayer(of: container), jail: jail)
        return removal.previews
            ? RemovalPreview(threads: threads, surveyor: surveyor)
            : RemovalTool(
                jail: jail, threads: threads, plan: plan, surveyor: surveyor, order: removal,
                entryLimit: decision.limits?.entries)
    }

    private func run(
        _ job: Job, _ decision: Decision, _ tool: any CommandTool, into file: SpoolFile,
        _ hold: (any StoppedRootHold)?
    ) async throws -> (report: CommandFinished, output: SpooledOutput) {
        let order = job.order
        let startedAt = Date().timeIntervalSince1970
        job.live.begin(file, run: CommandFinished.run(startedAt: startedAt))
        if decision.writes, await journal.knows(order.commandID) {
            throw CommandRefusal(.lost, "it was started here before")
        }
        // The container was looked at meanwhile, or waited for.
        try check(job)
        let survey = try await tool.prepare(cancellation: job.cancellation)
        if decision.writes {
            if job.cancellation.isCancelled {
                throw CommandRefusal(.cancelled, Self.cancelledEarly)
            }
            try await journal.intend(order.commandID, at: startedAt)
            FaultPoint.intentWritten.reached()
        }
        let run = try await tool.run(
            into: file, live: job.live, keeps: decision.writes, cancellation: job.cancellation,
            after: survey
        ) {
            FaultPoint.toolRunning.reached()
            job.started(startedAt)
        }
        if run.end.isOfOutdatedContainer { throw OutdatedContainer() }
        job.live.end()
        var report = CommandFinished(
            commandID: order.commandID, outcome: run.end.outcome, stdoutBytes: run.output.stdout,
            stderrBytes: run.output.stderr, sha256: run.output.sha256, startedAt: startedAt,
            runtime: run.end.runtime / .seconds(1), removal: run.removal)
        run.describe(in: &report, of: decision)
        for note in run.notes { report.add(note: note) }
        if run.isCutShort { report.complete = false }
        if let hold, !hold.isHeld {
            report.add(
                note: "the engine gave the container up while the command ran; check the instance")
        }
        if case .failure(let error) = run.output.keeping {
            report.add(note: "its output may not survive a loss of power: \(error)")
        }
        if decision.writes {
            do {
                try await journal.finish(report)
            } catch {
                report.add(note: "the machine's journal could not be written: \(error)")
            }
            FaultPoint.endWritten.reached()
        }
        return (report, SpooledOutput(file: file, byteCount: run.output.frames))
    }

    /// The report of a command that was not run.
    ///
    /// One that changes something is kept in the journal all the same: a late copy of its order must not run
    /// it after it was said to have ended (found by `make chaos`).
    private func ended(
        _ order: RunCommand, _ outcome: CommandFinished.Outcome, _ note: String
    ) async -> CommandFinished {
        var report = CommandFinished(
            commandID: order.commandID, outcome: outcome, note: note, complete: outcome != .lost)
        if order.writes {
            do {
                try await journal.finish(report)
            } catch {
                report.add(note: "the machine's journal could not be written: \(error)")
            }
        }
        return report
    }

    /// How long the engine may be away, and how long it may take to describe a container.
    private static let enginePatience = Duration.seconds(10)
    private static let cancelledEarly = "cancelled before it started"
    private static let overdue = "the machine was busy until its start was overdue"
}
