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
    let known: KnownContainers
    let journal: Journal
    let turns: CommandTurns
    /// Whose threads wait for tools; as many as there are slots.
    ///
    /// They live as long as the process.
    let threads: NIOThreadPool
    let spools: SpoolFolder
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
    }

    /// - Returns: The end, durable if the command changes something, and its output.
    func run(_ job: Job) async -> (report: CommandFinished, output: SpooledOutput) {
        let order = job.order
        do {
            return try await turns.withTurn(
                at: job.place, account: order.accountID, cancellation: job.cancellation,
                deadline: job.deadline
            ) {
                let decision = try decide(order)
                try check(job)
                return try await run(job, decision)
            }
        } catch is CancellationError {
            // The agent stops: nothing is reported, and the next one is sent the order again.
            return (CommandFinished(commandID: order.commandID, outcome: .cancelled), .none)
        } catch {
            let (outcome, note) = Self.end(of: error)
            return (await ended(order, outcome, note), .none)
        }
    }

    /// What a way out before the tool's main means.
    private static func end(of error: any Error) -> (CommandFinished.Outcome, String) {
        switch error {
        case let refusal as Refusal: (refusal.outcome, refusal.note)
        case CommandTurns.Missed.cancelled: (.cancelled, cancelledEarly)
        case CommandTurns.Missed.overdue: (.expired, overdue)
        default: (.denied, "\(error)")
        }
    }

    /// The container is not what we took it for; nothing was run.
    private struct OutdatedContainer: Error {}

    /// A way out before the tool's main.
    private struct Refusal: Error {
        let outcome: CommandFinished.Outcome
        let note: String

        init(_ outcome: CommandFinished.Outcome, _ note: String) {
            self.outcome = outcome
            self.note = note
        }
    }

    /// The last look before anything is done for the command.
    private func check(_ job: Job) throws {
        if job.cancellation.isCancelled { throw Refusal(.cancelled, Self.cancelledEarly) }
        guard ContinuousClock.now < job.deadline else { throw Refusal(.expired, Self.overdue) }
    }

    /// This machine's own decision, from the words alone.
    private func decide(_ order: RunCommand) throws -> Decision {
        guard let policy = Policy.named(order.policy) else {
            throw Refusal(.denied, "this machine has no policy \(order.policy)")
        }
        let decision = policy.decide(argv: order.argv)
        if let denial = decision.denial {
            throw Refusal(.denied, "refused by the machine: \(denial.message)")
        }
        guard decision.writes == order.writes else {
            throw Refusal(.denied, "server and machine do not agree on what this command changes")
        }
        return decision
    }

    private func run(
        _ job: Job, _ decision: Decision
    ) async throws -> (report: CommandFinished, output: SpooledOutput) {
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
            throw Refusal(.denied, "the instance changed its state at that moment; try again")
        }
    }

    private func runOnFresh(
        _ job: Job, _ decision: Decision
    ) async throws -> (report: CommandFinished, output: SpooledOutput) {
        guard let container = try await inspect(job) else {
            throw Refusal(.denied, "the container is gone")
        }
        known.keep(container)
        guard !(decision.writes && container.hasReadOnlyRoot) else {
            throw Refusal(.denied, "its root is read-only (--read-only)")
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
                throw Refusal(.denied, "the instance changed its state at that moment; try again")
            }
            // The engine takes a little while to find out that it will not have the upload.
            guard hold.isHeld else {
                throw Refusal(.denied, "the engine does not let its files be changed now")
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
        let order = job.order
        let plan: JailPlan
        do {
            plan = try JailedCommand.plan(
                decision, on: container, hold: hold,
                wallTime: .milliseconds(order.timeoutMilliseconds),
                outputLimit: min(order.outputLimit, outputLimit))
        } catch let error as JailError where error.isGoneProcess {
            throw OutdatedContainer()
        }
        let file = try spools.create(order.commandID)
        do {
            return try await run(job, decision, plan, into: file, hold)
        } catch {
            // Nothing was run: nobody will ask for it.
            file.discard()
            throw error
        }
    }

    private func run(
        _ job: Job, _ decision: Decision, _ plan: JailPlan, into file: SpoolFile,
        _ hold: (any StoppedRootHold)?
    ) async throws -> (report: CommandFinished, output: SpooledOutput) {
        let order = job.order
        let startedAt = Date().timeIntervalSince1970
        job.live.begin(file, run: CommandFinished.run(startedAt: startedAt))
        if decision.writes {
            guard await !journal.knows(order.commandID) else {
                throw Refusal(.lost, "it was started here before")
            }
            try await journal.intend(order.commandID, at: startedAt)
            FaultPoint.intentWritten.reached()
        }
        let (end, counts) = try await threads.runIfActive {
            var spool = try OutputSpool(file, live: job.live)
            let end = try jail.run(
                plan, cancellation: job.cancellation,
                ready: {
                    FaultPoint.toolRunning.reached()
                    job.started(startedAt)
                }
            ) { stream, bytes in
                try spool.append(stream == .stdout ? .stdout : .stderr, bytes)
            }
            FaultPoint.toolEnded.reached()
            // From here on the command has run, whatever the disk says.
            let keeping =
                decision.writes
                ? Result { () throws(SpoolError) in try spool.flush() } : .success(())
            return (
                end,
                SpoolCounts(
                    stdout: spool.stdoutBytes, stderr: spool.stderrBytes,
                    frames: spool.byteCount, sha256: spool.sha256(), keeping: keeping)
            )
        }
        if end.isOfOutdatedContainer { throw OutdatedContainer() }
        job.live.end()
        var report = CommandFinished(
            commandID: order.commandID, outcome: end.outcome, stdoutBytes: counts.stdout,
            stderrBytes: counts.stderr, sha256: counts.sha256, startedAt: startedAt,
            runtime: end.runtime / .seconds(1))
        end.describe(in: &report, wallTime: plan.limits.wallTime)
        if let hold, !hold.isHeld {
            report.add(
                note: "the engine gave the container up while the command ran; check the instance")
        }
        if case .failure(let error) = counts.keeping {
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
        return (report, SpooledOutput(file: file, byteCount: counts.frames))
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

/// What a spool held when its tool had ended.
private struct SpoolCounts: Sendable {
    var stdout: Int64
    var stderr: Int64
    var frames: Int
    var sha256: String
    /// Whether the disk has it, where that was asked for.
    var keeping: Result<Void, SpoolError>
}

extension CommandFinished {
    fileprivate mutating func add(note more: String) {
        note = note.map { "\($0); \(more)" } ?? more
    }
}

extension JailEnd {
    /// Whether the root was not there as a mount: the instance was started or stopped meanwhile.
    fileprivate var isOfOutdatedContainer: Bool {
        guard case .notStarted(let step, _) = cause else { return false }
        return ["root_open", "root_kind", "layers"].contains(step)
    }

    fileprivate var outcome: CommandFinished.Outcome {
        switch cause {
        case .exited: .exited
        case .signalled, .outputLimit, .sinkFailed: .signalled
        case .timedOut: .timedOut
        case .cancelled: .cancelled
        case .notStarted: .denied
        }
    }

    /// Fills in what the outcome comes with.
    fileprivate func describe(in report: inout CommandFinished, wallTime: Duration) {
        switch cause {
        case .exited(let code):
            report.exitCode = code
        case .signalled(let signal):
            report.signal = signal
            report.complete = false
            switch signal {
            case 24: report.note = "it used up its processor time"
            case 9: report.note = "it used up the machine's memory, or somebody killed it there"
            default: break
            }
        case .timedOut:
            report.complete = false
            report.note = "killed after \(wallTime.components.seconds) s"
        case .cancelled:
            report.complete = false
            report.note = "killed because it was cancelled"
        case .outputLimit:
            report.signal = 9
            report.complete = false
            report.note = "killed when its output reached its limit of \(report.outputBytes) bytes"
        case .sinkFailed:
            report.signal = 9
            report.complete = false
            report.note =
                "killed because the machine could not keep its output: \(sinkFailure.map { "\($0)" } ?? "")"
        case .notStarted(let step, let code):
            report.note = Self.refusal(step: step, code: code)
        }
        if !isCollected { report.add(note: "it is stuck in the kernel") }
    }

    /// Why the jail did not close, for the person who sent the command.
    private static func refusal(step: String, code: Int) -> String {
        switch step {
        case "guard_root": "refused: an operand is the root of the instance"
        case "volume":
            "the place of a volume in the instance is not what it should be (errno \(code))"
        default: "the jail could not be closed at step \(step) (errno \(code)); nothing was run"
        }
    }
}
