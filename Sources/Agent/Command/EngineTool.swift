internal import AgentLink
internal import ContainerEngine
internal import FaultPoints
internal import Jail

/// The instance's own program, run inside it by its engine.
///
/// Nothing of the host is at stake but the engine: the program is confined as the instance is.
struct EngineTool: CommandTool {
    let programs: EnginePrograms
    let container: Container.ID
    let arguments: [String]
    let wallTime: Duration
    let outputLimit: Int64
    /// How long an engine may not answer.
    var patience = Duration.seconds(10)
    /// How long it may take to tell the end of a program that was killed.
    var grace = Duration.seconds(5)

    func run(
        into file: SpoolFile, live: LiveOutput, keeps: Bool, cancellation: JailCancellation,
        after finding: RemovalSurveyor.Finding?, ready: @escaping @Sendable () -> Void
    ) async throws -> ToolRun {
        // Nothing is started whose output could not be kept.
        let spool = EngineSpool(try OutputSpool(file, live: live), limit: outputLimit)
        let started = ContinuousClock.now
        let (program, pieces) = try await programs.start(arguments, in: container)
        ready()
        // Whatever ends first: the program, its time, a wish to cancel it.
        let stop = await spool.take(pieces, wallTime: wallTime, cancellation: cancellation)
        var ending = EngineProgramEnding(
            programs: programs, program: program, stop: stop, deadline: started + wallTime,
            cancellation: cancellation, patience: patience, grace: grace)
        await ending.wait()
        FaultPoint.toolEnded.reached()
        return ending.run(runtime: .now - started, output: await spool.counts())
    }
}
