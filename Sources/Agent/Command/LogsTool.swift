internal import AgentLink
internal import CommandPolicy
internal import ContainerEngine
internal import FaultPoints
internal import Jail

/// Reads a log: what an instance has printed, by its engine, or what this agent did with it.
///
/// No file of the instance is touched, so it waits for nobody who works there, and nobody waits for it.
struct LogsTool: CommandTool {
    let engine: any ContainerEngine
    /// The engine's id; empty for an instance that has no container.
    let container: Container.ID
    let history: InstanceHistory
    let request: LogRequest
    let wallTime: Duration
    let outputLimit: Int64

    func run(
        into file: SpoolFile, live: LiveOutput, keeps: Bool, cancellation: JailCancellation,
        after finding: RemovalSurveyor.Finding?, ready: @escaping @Sendable () -> Void
    ) async throws -> ToolRun {
        let started = ContinuousClock.now
        let pieces = try await pieces()
        ready()
        let spool = EngineSpool(
            try OutputSpool(file, live: live), limit: outputLimit, filter: request.filter)
        let stop = await spool.take(pieces, wallTime: wallTime, cancellation: cancellation)
        // An agent that ends has not seen the log's end: the next one reads it again.
        try Task.checkCancellation()
        FaultPoint.toolEnded.reached()
        var failure: (any Error)?
        var run = ToolRun(
            end: JailEnd(
                cause: Self.cause(of: stop, failure: &failure), runtime: .now - started,
                sinkFailure: failure),
            output: await spool.counts())
        if case .brokenOff(let error) = stop {
            run.isCutShort = true
            run.notes.append("the engine broke the log off: \(error)")
        }
        return run
    }

    private static func cause(
        of stop: EngineSpool.Stop?, failure: inout (any Error)?
    ) -> JailEnd.Cause {
        switch stop {
        case nil: return .exited(code: 0)
        case .outputLimit: return .outputLimit
        case .timedOut: return .timedOut
        case .cancelled: return .cancelled
        case .brokenOff: return .exited(code: 1)
        case .notKept(let error):
            failure = error
            return .sinkFailed
        }
    }

    private func pieces() async throws -> EngineSpool.Pieces {
        if case .agent(let instance) = request.source {
            let lines = history.lines(instance: instance).suffix(request.tail)
            return AsyncThrowingStream { continuation in
                for line in lines { continuation.yield((.stdout, Array("\(line)\n".utf8))) }
                continuation.finish()
            }
        }
        do {
            return try await engine.logs(
                of: container, tail: request.tail, follow: request.follows)
        } catch let error as EngineError where error.code == .noContainer {
            throw OutdatedContainer()
        }
    }
}

extension MachinePolicy {
    /// This machine's decision on a request of a log, of which no policy speaks.
    ///
    /// - Throws: ``CommandRefusal`` when it is none.
    func decideLog(_ order: RunCommand) throws(CommandRefusal) -> Decision {
        guard let request = LogRequest(argv: order.argv), !order.writes, order.removal == nil else {
            throw CommandRefusal(.denied, "refused by the machine: this asks for no log")
        }
        try ReadingCheck.checkText(of: order)
        var decision = request.decision(scope: CommandScope(paths: order.paths))
        if let denial = decision.denial {
            throw CommandRefusal(.denied, "refused by the machine: \(denial.message)")
        }
        decision.limits = decision.limits?.narrowed(by: order.limits)
        return decision
    }
}

extension CommandRunner {
    /// Where a command waits for its turn.
    ///
    /// One who follows a log stays for hours, and must keep nobody from anything but following.
    func turns(for order: RunCommand) -> CommandTurns {
        guard order.backend == .logs else { return turns }
        return LogRequest(argv: order.argv)?.follows == true ? followTurns : logTurns
    }

    /// - Parameters:
    ///   - order: What the server sent.
    ///   - decision: What both allow.
    ///   - container: The engine's id; nil for the agent's own log.
    /// - Returns: What reads it; nil for another kind of command, and for a log that needs a container.
    func logsTool(
        _ order: RunCommand, _ decision: Decision, on container: Container.ID?
    ) -> LogsTool? {
        guard decision.backend == .logs, let request = LogRequest(argv: decision.argv),
            container != nil || request.source != .container
        else { return nil }
        let seconds = decision.limits?.maximumWallSeconds ?? 0
        return LogsTool(
            engine: engine, container: container ?? "", history: history, request: request,
            wallTime: min(.milliseconds(order.timeoutMilliseconds), .seconds(seconds)),
            outputLimit: min(
                order.outputLimit, outputLimit, Int64(decision.limits?.outputBytes ?? .max)))
    }
}
