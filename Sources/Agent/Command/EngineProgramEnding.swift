internal import ContainerEngine
internal import Jail
internal import NIOConcurrencyHelpers

/// How a program that an engine runs comes to its end once its output has, or once it must.
struct EngineProgramEnding: Sendable {
    let programs: EnginePrograms
    let program: EngineProgram
    /// Why its output was taken no further; nil when that has ended.
    private(set) var stop: EngineSpool.Stop?
    let deadline: ContinuousClock.Instant
    let cancellation: JailCancellation
    let patience: Duration
    /// For a program that was killed.
    let grace: Duration
    private var exitCode: Int?
    private var wasKilled = false
    /// Whether the engine has not begun with it, by its last word.
    private var hasNotBegun = false
    /// Why the engine's last word is not known.
    private var silence: String?

    init(
        programs: EnginePrograms, program: EngineProgram, stop: EngineSpool.Stop?,
        deadline: ContinuousClock.Instant, cancellation: JailCancellation, patience: Duration,
        grace: Duration
    ) {
        self.programs = programs
        self.program = program
        self.stop = stop
        self.deadline = deadline
        self.cancellation = cancellation
        self.patience = patience
        self.grace = grace
    }

    /// Waits for its end, having killed it if need be; without one, somebody else goes on trying.
    mutating func wait() async {
        // An agent that ends takes its programs along: nobody would see to their limits. The task of its own is
        // not cancelled with this one.
        let agentEnds = NIOLockedValueBox(false)
        let ending = self
        self = await withTaskCancellationHandler {
            await Task {
                var ending = ending
                await ending.watch { agentEnds.withLockedValue { $0 } }
                return ending
            }.value
        } onCancel: {
            agentEnds.withLockedValue { $0 = true }
        }
        if exitCode != nil || wasKilled {
            programs.forget(program)
        } else {
            await programs.leave(program)
        }
    }

    private mutating func watch(agentEnds: () -> Bool) async {
        let isWhole = stop == nil
        var pause = Duration.milliseconds(20)
        // One answer that is late or an error says nothing about the next.
        var givesUp = ContinuousClock.now + patience
        repeat {
            if stop == nil {
                if cancellation.isCancelled { stop = .cancelled }
                if ContinuousClock.now >= deadline { stop = .timedOut }
            }
            let kills = stop != nil || agentEnds()
            do {
                let state = try await programs.engine.state(ofProgram: program.id)
                silence = nil
                hasNotBegun = state == .created
                switch state {
                case nil:
                    silence = "the engine does not know it any more"
                    return
                case .exited(let code):
                    exitCode = code
                    // It may have been over when it was killed, and the engine did not know that yet.
                    if code != Self.killedCode { wasKilled = false }
                    // A wish or a limit that came in that moment met nothing.
                    if isWhole, !wasKilled { stop = nil }
                    return
                case .running(let processID) where kills:
                    if try await programs.kill(program, processID), !wasKilled {
                        wasKilled = true
                        givesUp = .now + grace
                        pause = .milliseconds(20)
                    }
                case .created, .running:
                    // It may go on for as long as it has time.
                    if !kills { givesUp = .now + patience }
                }
            } catch {
                silence = InstanceFailure(error).message
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(kills ? 100 : 500))
        } while ContinuousClock.now < givesUp
    }

    /// What came of it.
    func run(runtime: Duration, output: SpoolCounts) -> ToolRun {
        var run = ToolRun(end: JailEnd(cause: cause, runtime: runtime), output: output)
        if case .notKept(let error) = stop { run.end.sinkFailure = error }
        if wasKilled {
            if case .brokenOff = stop { run.reason = "killed because \(stopText)" }
            // As the engine says.
            run.end.isCollected = exitCode != nil || silence != nil
            if exitCode == nil, let silence { run.notes.append("its end is not known: \(silence)") }
        } else if exitCode == nil, hasNotBegun, silence == nil, stop != nil {
            // Who left it sees to that.
            run.reason =
                "\(stopText) before the engine had begun with it; it is killed when it begins"
        } else if exitCode == nil {
            run.isLost = true
            run.reason =
                "\(stopText), and its end is not known: \(silence ?? "the engine does not say")"
        } else if endedByItself {
            run.isCutShort = true
            run.notes.append("it had ended, and not its output, when \(stopText)")
        }
        return run
    }

    /// Whether it was over before it could be ended, though something else kept its output open.
    private var endedByItself: Bool {
        guard exitCode != nil, !wasKilled else { return false }
        return switch stop {
        case .timedOut, .cancelled, .brokenOff: true
        case nil, .outputLimit, .notKept: false
        }
    }

    private var cause: JailEnd.Cause {
        if let exitCode, stop == nil || endedByItself { return .exited(code: exitCode) }
        return switch stop {
        case .outputLimit: .outputLimit
        case .timedOut: .timedOut
        case .cancelled: .cancelled
        case .brokenOff, .notKept: .sinkFailed
        case nil: .signalled(9)
        }
    }

    private var stopText: String {
        switch stop {
        case nil: "its output ended"
        case .outputLimit: "its output reached its limit"
        case .timedOut: "its time was over"
        case .cancelled: "it was cancelled"
        case .brokenOff(let error): "the engine broke its output off: \(error)"
        case .notKept(let error): "the machine could not keep its output: \(error)"
        }
    }

    /// As engines tell of SIGKILL.
    private static let killedCode = 128 + 9
}
