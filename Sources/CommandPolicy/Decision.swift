/// What a policy says to a command: the record that is kept, sent and shown.
///
/// Its JSON keys are part of the wire contract. Two decisions are equal when their bytes are.
package struct Decision: Sendable, Codable {
    package enum Verdict: String, Sendable, Hashable, Codable {
        case allow
        case deny
    }

    package var verdict: Verdict
    /// The policy's name, such as `vast`.
    package var policy: String
    /// The rule that decided, such as `vast/ls`; nil if none was reached.
    package var rule: String?
    /// The command that ``Denial/offset`` indexes: as typed, or argv in shell quoting; cut to
    /// ``ParsedCommand/maximumByteCount`` bytes.
    package var command: String
    /// The words for the program; empty when the command could not be parsed.
    package var argv: [String]
    /// Whether the program changes files, and so needs a writable view.
    ///
    /// False if no rule was reached.
    package var writes: Bool
    /// The operands whose identity (device and inode) the jail compares with the root's.
    ///
    /// Before the program runs: those of `rm`, in order. Empty on denial.
    package var guards: [String]
    /// What the run may use; nil on denial.
    package var limits: CommandLimits?
    /// Why not; nil if allowed.
    package var denial: Denial?

    package init(
        verdict: Verdict, policy: String, rule: String? = nil, command: String = "",
        argv: [String] = [], writes: Bool = false, guards: [String] = [],
        limits: CommandLimits? = nil, denial: Denial? = nil
    ) {
        self.verdict = verdict
        self.policy = policy
        self.rule = rule
        self.command = command
        self.argv = argv
        self.writes = writes
        self.guards = guards
        self.limits = limits
        self.denial = denial
    }
}

extension Decision {
    /// Why a command is not run, and what to do about it.
    package struct Denial: Sendable, Codable {
        /// For programs: one of ``CommandError/Code``.
        package var code: String
        /// One sentence for the person who sent the command; safe to show.
        package var message: String
        /// The bytes of ``Decision/command`` to blame; nil if no single place is.
        package var token: String?
        /// Where they are, in UTF-8 bytes from the command's start.
        package var offset: Int?
        /// A full command that would be allowed; nil if none is near.
        package var nearest: String?

        package init(
            code: String, message: String, token: String? = nil, offset: Int? = nil,
            nearest: String? = nil
        ) {
            self.code = code
            self.message = message
            self.token = token
            self.offset = offset
            self.nearest = nearest
        }
    }
}

/// What one run of a command may use; the jail sets them as rlimits and timers.
package struct CommandLimits: Sendable, Hashable, Codable {
    /// Seconds until the run is ended.
    package var wallSeconds: Int
    /// Seconds of CPU time (RLIMIT_CPU).
    package var cpuSeconds: Int
    /// Bytes of address space (RLIMIT_AS).
    package var memoryBytes: Int
    /// Bytes of standard output and standard error together.
    package var outputBytes: Int

    private enum CodingKeys: String, CodingKey {
        case wallSeconds = "wall_seconds"
        case cpuSeconds = "cpu_seconds"
        case memoryBytes = "memory_bytes"
        case outputBytes = "output_bytes"
    }

    package init(
        wallSeconds: Int = 60, cpuSeconds: Int = 60, memoryBytes: Int = 1 << 30,
        outputBytes: Int = 64 << 20
    ) {
        self.wallSeconds = wallSeconds
        self.cpuSeconds = cpuSeconds
        self.memoryBytes = memoryBytes
        self.outputBytes = outputBytes
    }
}

// Equality is that of bytes: `String` takes two names that Linux keeps apart for equal.
extension Decision: Hashable {
    package static func == (left: Self, right: Self) -> Bool {
        left.verdict == right.verdict && left.writes == right.writes
            && left.limits == right.limits && left.denial == right.denial
            && left.bytes == right.bytes
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bytes)
    }

    private var bytes: [[[UInt8]]] {
        [[policy, command], rule.map { [$0] } ?? [], argv, guards].map { texts in
            texts.map { Array($0.utf8) }
        }
    }
}

extension Decision.Denial: Hashable {
    package static func == (left: Self, right: Self) -> Bool {
        left.offset == right.offset && left.bytes == right.bytes
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bytes)
    }

    private var bytes: [[UInt8]?] {
        [code, message, token, nearest].map { text in text.map { Array($0.utf8) } }
    }
}
