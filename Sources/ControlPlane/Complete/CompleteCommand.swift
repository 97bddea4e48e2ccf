package import AgentLink
internal import FaultPoints
internal import NIOConcurrencyHelpers

/// An agent says how a command ended, and hands its output over.
///
/// Idempotent by command id.
package struct CompleteCommand: Sendable {
    private let commands: any CommandStore
    private let results: any ResultStore
    private let bell: CompletionBell
    private let outputLimit: Int64
    private let time: WallTime
    /// Commands whose end is being taken just now.
    private let underWay: NIOLockedValueBox<Set<Command.ID>> = .init([])

    /// - Parameters:
    ///   - commands: Where the end is kept.
    ///   - results: Where the output is kept.
    ///   - bell: Rung for those who wait.
    ///   - outputLimit: The most bytes of output that are kept of a command.
    ///   - time: The clock.
    package init(
        commands: any CommandStore, results: any ResultStore, bell: CompletionBell,
        outputLimit: Int64, time: WallTime
    ) {
        self.commands = commands
        self.results = results
        self.outputLimit = outputLimit
        self.bell = bell
        self.time = time
    }

    /// Returns once everything is durable: then the agent may forget the command.
    ///
    /// - Throws: ``ControlPlaneError/Code/commandNotFound`` for a command that is not this machine's;
    ///   ``ControlPlaneError/Code/agentRefused`` when the bytes are not those that the report
    ///   describes; ``ControlPlaneError/Code/busy`` when another report of the same command is being taken;
    ///   what the stores throw.
    package func callAsFunction(
        _ report: CommandFinished, frames: some AsyncSequence<[UInt8], any Error> & Sendable,
        from machine: Machine.ID
    ) async throws {
        // Two runs of one reader may be reported at the same time: the bytes of one must not come to lie
        // under the record of the other.
        guard underWay.withLockedValue({ $0.insert(report.commandID).inserted }) else {
            throw ControlPlaneError(
                .busy, "Another report of this command is being taken.", retryAfter: 1)
        }
        defer { _ = underWay.withLockedValue { $0.remove(report.commandID) } }
        guard let command = try await commands.command(report.commandID),
            command.machineID == machine
        else {
            throw ControlPlaneError(.commandNotFound, "Command not found.")
        }
        guard !command.state.isTerminal else { return }  // a repetition; its answer got lost

        let stored: StoredResult
        do {
            stored = try await results.put(command.id, frames: frames, atMost: outputLimit)
        } catch is OutputFrameDecoder.Malformed {
            throw ControlPlaneError(.agentRefused, "The output is not a series of frames.")
        } catch is ResultTooLong {
            throw ControlPlaneError(
                .agentRefused,
                "The output is longer than \(outputLimit) bytes, or its streams take turns too often."
            )
        }
        guard stored.stdoutBytes == report.stdoutBytes, stored.stderrBytes == report.stderrBytes,
            stored.sha256 == report.sha256
        else {
            throw ControlPlaneError(.agentRefused, "The output is not the one that was reported.")
        }
        FaultPoint.resultKept.reached()
        let ended = try await commands.finish(
            command.id, from: nil, as: CommandState(report.outcome),
            outcome: CommandOutcome(report),
            startedAt: report.startedAt, at: time.now())
        FaultPoint.endStored.reached()
        if let ended { bell.ring(ended.command) }
        // Somebody else ended it meanwhile, without output: nobody will ever ask for these bytes.
        if ended?.moved != true { try await results.delete(command.id) }
    }
}

extension CommandState {
    fileprivate init(_ outcome: CommandFinished.Outcome) {
        self =
            switch outcome {
            case .exited: .exited
            case .signalled: .signalled
            case .timedOut: .timedOut
            case .cancelled: .cancelled
            case .denied: .denied
            case .lost: .lost
            case .expired: .expired
            }
    }
}

extension CommandOutcome {
    fileprivate init(_ report: CommandFinished) {
        // A machine may say what it likes.
        let report = report.bounded()
        self.init(
            exitCode: report.exitCode, signal: report.signal, note: report.note,
            stdoutBytes: report.stdoutBytes, stderrBytes: report.stderrBytes,
            sha256: report.sha256, isComplete: report.complete, runtime: report.runtime,
            removal: report.removal)
    }
}
