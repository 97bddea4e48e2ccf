/// How a command ended on its machine, said once its output is on the machine's disk.
///
/// Repeated until the server has acknowledged it.
package struct CommandFinished: Sendable, Hashable, Codable {
    /// The agent's word on what happened.
    package enum Outcome: String, Sendable, Hashable, Codable {
        /// The tool ended by itself; see ``CommandFinished/exitCode``.
        case exited
        /// A signal ended it; see ``CommandFinished/signal``.
        case signalled
        /// Its wall-clock limit ended it.
        case timedOut = "timed_out"
        /// A cancellation ended it, or came before its start.
        case cancelled
        /// The machine's policy, or a jail that could not be set up, kept it from starting.
        case denied
        /// It may have run; the agent was not there to see.
        case lost
        /// It could not start in time.
        case expired
    }

    package var commandID: Int64
    package var outcome: Outcome
    package var exitCode: Int?
    package var signal: Int?
    /// For people: what is known beside the outcome; without its end where that is long.
    package var note: String? {
        didSet { note = Self.bounded(note) }
    }
    /// Bytes of each stream, and of both together.
    package var stdoutBytes: Int64
    package var stderrBytes: Int64
    /// SHA-256 of both streams together in their order of arrival; lower-case hexadecimal.
    package var sha256: String
    /// False when a limit or an interruption cut the output short.
    package var complete: Bool
    /// Unix seconds by the machine's clock; for people, never for decisions.
    package var startedAt: Double?
    /// Seconds from spawn to end of output, by a monotonic clock.
    package var runtime: Double?
    /// What a command that removes has removed, or would; nil when that is not known.
    package var removal: Removal?

    /// Which start of the tool this is the end of.
    ///
    /// A command that only reads may run again after a crash; two runs may write different bytes, and
    /// whoever follows the output must not be given the beginning of one and the end of another.
    package static func run(startedAt: Double) -> String { "\(startedAt)" }

    package var outputBytes: Int64 { stdoutBytes + stderrBytes }

    enum CodingKeys: String, CodingKey {
        case outcome, signal, note, sha256, complete, runtime, removal
        case commandID = "command_id"
        case exitCode = "exit_code"
        case stdoutBytes = "stdout_bytes"
        case stderrBytes = "stderr_bytes"
        case startedAt = "started_at"
    }

    package init(
        commandID: Int64, outcome: Outcome, exitCode: Int? = nil, signal: Int? = nil,
        note: String? = nil, stdoutBytes: Int64 = 0, stderrBytes: Int64 = 0,
        sha256: String = CommandFinished.emptyDigest, complete: Bool = true,
        startedAt: Double? = nil, runtime: Double? = nil, removal: Removal? = nil
    ) {
        self.commandID = commandID
        self.outcome = outcome
        self.exitCode = exitCode
        self.signal = signal
        self.note = Self.bounded(note)
        self.stdoutBytes = stdoutBytes
        self.stderrBytes = stderrBytes
        self.sha256 = sha256
        self.complete = complete
        self.startedAt = startedAt
        self.runtime = runtime
        self.removal = removal
    }

    /// The same end, when its output cannot be had.
    package func withoutOutput(note: String) -> CommandFinished {
        CommandFinished(
            commandID: commandID, outcome: outcome, exitCode: exitCode, signal: signal,
            note: [self.note, note].compactMap { $0 }.joined(separator: "; "), complete: false,
            startedAt: startedAt, runtime: runtime, removal: removal)
    }

    /// The same within its bounds, whoever wrote it.
    package func bounded() -> CommandFinished {
        var report = self
        report.note = Self.bounded(note)
        report.removal = removal?.bounded()
        return report
    }

    /// Engines and registries say long things.
    private static func bounded(_ note: String?) -> String? {
        guard let note, note.unicodeScalars.count > maximumNoteLength else { return note }
        return String(note.unicodeScalars.prefix(maximumNoteLength - 1)) + "…"
    }

    /// In characters of Unicode.
    package static let maximumNoteLength = 1000

    /// SHA-256 of nothing (FIPS 180-4).
    package static let emptyDigest =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
}
