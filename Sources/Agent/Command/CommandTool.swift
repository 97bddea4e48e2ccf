internal import AgentLink
internal import FaultPoints
internal import Jail
internal import NIOPosix

/// What runs a command once its turn has come: the jail, the engine, or a removal with its survey.
protocol CommandTool: Sendable {
    /// Finds out what must be known before anything changes.
    ///
    /// - Throws: `CommandRefusal` when the command must not be run.
    func prepare(cancellation: JailCancellation) async throws -> RemovalSurveyor.Finding?
    /// Runs it to its end.
    ///
    /// - Parameters:
    ///   - file: Gets the output.
    ///   - live: Told of it.
    ///   - keeps: Whether the output must survive a loss of power.
    ///   - cancellation: Ends the run.
    ///   - finding: What ``prepare(cancellation:)`` found.
    ///   - ready: Called once it runs.
    /// - Returns: The end, and what there is to say of it.
    /// - Throws: When nothing was run.
    func run(
        into file: SpoolFile, live: LiveOutput, keeps: Bool, cancellation: JailCancellation,
        after finding: RemovalSurveyor.Finding?, ready: @escaping @Sendable () -> Void
    ) async throws -> ToolRun
}

extension CommandTool {
    func prepare(cancellation: JailCancellation) async throws -> RemovalSurveyor.Finding? { nil }
}

/// A run that came to its end.
struct ToolRun: Sendable {
    var end: JailEnd
    var output: SpoolCounts
    var removal: Removal?
    /// What else a person should know.
    var notes: [String] = []
    /// Whether the output is not all that there was, though the end does not say so.
    var isCutShort = false
    /// Why it ended, in place of what ``end`` says of that.
    var reason: String?
    /// Whether nobody saw its end.
    var isLost = false
}

/// What a spool held when its tool had ended.
struct SpoolCounts: Sendable {
    var stdout: Int64
    var stderr: Int64
    var frames: Int
    var sha256: String
    /// Whether the disk has it, where that was asked for.
    var keeping: Result<Void, SpoolError>

    init(_ spool: borrowing OutputSpool, flushes: Bool) {
        stdout = spool.stdoutBytes
        stderr = spool.stderrBytes
        frames = spool.byteCount
        sha256 = spool.sha256()
        keeping = .success(())
        if flushes {
            do throws(SpoolError) { try spool.flush() } catch { keeping = .failure(error) }
        }
    }
}

/// A host's tool in the jail.
struct JailedTool: CommandTool {
    let jail: Jail
    /// Whose threads wait for tools.
    let threads: NIOThreadPool
    let plan: JailPlan

    func run(
        into file: SpoolFile, live: LiveOutput, keeps: Bool, cancellation: JailCancellation,
        after finding: RemovalSurveyor.Finding?, ready: @escaping @Sendable () -> Void
    ) async throws -> ToolRun {
        try await threads.runIfActive {
            var spool = try OutputSpool(file, live: live)
            let end = try jail.run(plan, cancellation: cancellation, ready: ready) {
                stream, bytes in
                try spool.append(stream == .stdout ? .stdout : .stderr, bytes)
            }
            FaultPoint.toolEnded.reached()
            // From here on the command has run, whatever the disk says.
            return ToolRun(end: end, output: SpoolCounts(spool, flushes: keeps))
        }
    }
}
