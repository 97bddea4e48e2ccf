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
        let verdict = await withTaskGroup(of: JailEnd.Cause?.self) { group in
            group.addTask {
                do {
                    for try await (stream, bytes) in process.output {
                        guard try await spool.append(stream, bytes) else { return .outputLimit }
                    }
                    return nil
                } catch is CancellationError {
                    return nil
                } catch {
                    return .sinkFailed
                }
            }
            group.addTask {
                do { try await Task.sleep(for: wallTime) } catch { return nil }
                return .timedOut
            }
            group.addTask {
                await cancellation.waitUntilCancelled()
                return cancellation.isCancelled ? .cancelled : nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
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

/// The spool of a program whose output comes from the engine.
private actor EngineSpool {
    private var spool: OutputSpool
    private let limit: Int64
    private var byteCount: Int64 = 0

    init(_ spool: consuming OutputSpool, limit: Int64) {
        self.spool = spool
        self.limit = limit
    }

    /// Whether there may be more.
    func append(_ stream: EngineProcess.Stream, _ bytes: [UInt8]) throws -> Bool {
        let allowed = bytes.prefix(Int(min(Int64(bytes.count), limit - byteCount)))
        if !allowed.isEmpty {
            try allowed.withUnsafeBytes {
                try spool.append(stream == .stdout ? .stdout : .stderr, $0)
            }
            byteCount += Int64(allowed.count)
        }
        return allowed.count == bytes.count
    }

    func counts() -> SpoolCounts { SpoolCounts(spool, flushes: false) }
}
