/// What a policy says to a command: the record that is kept, sent and shown.
///
/// Its JSON keys are part of the wire contract. Two decisions are equal when their bytes are.
package struct Decision: Sendable {
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
    /// Whether what a command would remove is only listed; then it changes nothing.
    package var previews = false
    /// Who runs it.
    package var backend = CommandBackend.jail
    /// What of the instance it sees.
    package var view = InstanceView.merged
    /// Whether the volumes that the instance declares are attached where they belong.
    package var attachesVolumes = true
    /// Normalised paths outside of which the command sees nothing; nil for everywhere.
    package var paths: [String]?
    /// The operands whose identity (device and inode) the jail compares with the root's, with those of
    /// mount points and of ``protected``.
    ///
    /// Before the program runs: those of `rm`, in order. Empty on denial.
    package var guards: [String]
    /// Paths that no operand may be, whatever it is called.
    package var protected: [String] = []
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

    /// What the kernel holds the command to; nil on denial, and where no jail is.
    package var kernel: KernelEnforcement? {
        verdict == .allow && backend == .jail ? KernelEnforcement(writes: writes) : nil
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

// Equality is that of bytes: `String` takes two names that Linux keeps apart for equal.
extension Decision: Hashable {
    package static func == (left: Self, right: Self) -> Bool {
        left.verdict == right.verdict && left.writes == right.writes
            && left.previews == right.previews && left.backend == right.backend
            && left.view == right.view
            && left.attachesVolumes == right.attachesVolumes && left.limits == right.limits
            && left.denial == right.denial && left.bytes == right.bytes
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bytes)
    }

    private var bytes: [[[UInt8]]] {
        [[policy, command], rule.map { [$0] } ?? [], argv, guards, protected, paths ?? ["every"]]
            .map {
                texts in texts.map { Array($0.utf8) }
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
