internal import AgentLink
internal import ContainerEngine
internal import FaultPoints
internal import Jail

/// The instance's own program, run inside it by its engine.
///
/// Nothing of the host is at stake but the engine: the program is confined as the instance is.
struct EngineTool: CommandTool {
    let engine: any ContainerEngine
    let container: Container.ID
    let arguments: [String]
    let wallTime: Duration
    let outputLimit: Int64

    func run(
        into file: SpoolFile, live: LiveOutput, keeps: Bool, cancellation: JailCancellation,
        after finding: RemovalSurveyor.Finding?, ready: @escaping @Sendable () -> Void
    ) async throws -> ToolRun {
        let started = ContinuousClock.now
        let process = try await engine.execute(arguments, in: container)
        ready()
        let spool = EngineSpool(try OutputSpool(file, live: live), limit: outputLimit)
        // Whatever ends first: the program, its time, a wish to cancel it.
        let verdict = await spool.take(
            process.output, wallTime: wallTime, cancellation: cancellation
        ).map(Self.cause)
        // An agent that ends takes its programs along: nobody would see to their limits. The task of its own is
        // not cancelled with this one.
        let kills = verdict != nil || Task.isCancelled
        let exit = await Task { await end(of: process, kills: kills) }.value
        FaultPoint.toolEnded.reached()
        let cause = verdict ?? exit.map { JailEnd.Cause.exited(code: $0) } ?? .signalled(9)
        return ToolRun(
            end: JailEnd(
                cause: cause, runtime: .now - started, isCollected: exit != nil || verdict == nil,
                ranOutOfMemory: false),
            output: await spool.counts())
    }

    private static func cause(of stop: EngineSpool.Stop) -> JailEnd.Cause {
        switch stop {
        case .outputLimit: .outputLimit
        case .timedOut: .timedOut
        case .cancelled: .cancelled
        case .brokenOff, .notKept: .sinkFailed
        }
    }

    /// Waits for the program's end, having killed it if need be; its exit code, or nil when it does not end.
    private func end(of process: EngineProcess, kills: Bool) async -> Int? {
        let patience = ContinuousClock.now + Self.patience
        while ContinuousClock.now < patience {
            guard let state = try? await process.state() else { return nil }
            switch state {
            case .exited(let code):
                return code
            case .running(let processID):
                // The number is its own as long as the engine says so after the handle was taken.
                if kills, let handle = ProcessHandle(processID),
                    (try? await process.state()) == .running(processID: processID)
                {
                    handle.kill()
                }
            }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return nil }
        }
        return nil
    }

    /// How long a program may take to end once its output has, or once it was killed.
    private static let patience = Duration.seconds(5)
}
