/// One program that a policy knows: its options, its operands, what it may do.
package struct ProgramRule: Sendable, Hashable {
    /// The program's name, as the first word must spell it.
    package var program: String
    /// Whether it changes files, and so needs a writable view.
    package var writes: Bool
    /// Every option that the program knows, allowed or refused.
    ///
    /// An option with several short names has one rule for each.
    package var options: [OptionRule]
    /// What its operands may be.
    package var operands: OperandRule
    /// What one run may use.
    package var limits: CommandLimits

    package init(
        program: String, writes: Bool, options: [OptionRule], operands: OperandRule = .any,
        limits: CommandLimits = CommandLimits()
    ) {
        self.program = program
        self.writes = writes
        self.options = options
        self.operands = operands
        self.limits = limits
    }

    func option(short: UInt8) -> OptionRule? {
        options.first { $0.short == short }
    }

    func option(long: String) -> OptionRule? {
        options.first { $0.long?.hasSameBytes(as: long) ?? false }
    }
}

/// One option of a program, as getopt_long(3) would read it.
package struct OptionRule: Sendable, Hashable {
    /// Whether the option takes a value, and how it is attached.
    package enum Argument: Sendable, Hashable {
        /// Takes no value.
        case none
        /// Needs one: `-d2`, `-d 2`, `--max-depth=2`, `--max-depth 2`.
        case required
        /// May have one, attached only: `--color=auto`.
        case optional
    }

    /// The ASCII letter or digit after `-`, or nil.
    package var short: UInt8?
    /// The name after `--`, or nil.
    package var long: String?
    package var argument: Argument
    /// What the value may be; not asked when there is none.
    package var value: ValueCheck
    /// Why the policy refuses the option, as a clause after "because"; nil if it is allowed.
    package var refusal: String?

    package init(
        short: UInt8? = nil, long: String? = nil, argument: Argument = .none,
        value: ValueCheck = .text(maximumByteCount: 0), refusal: String? = nil
    ) {
        self.short = short
        self.long = long
        self.argument = argument
        self.value = value
        self.refusal = refusal
    }
}

/// What a program's operands may be.
package struct OperandRule: Sendable, Hashable {
    /// The fewest operands.
    package var minimumCount: Int
    /// The long names of options that make operands unnecessary, such as `force` for `rm`.
    package var minimumWaivedBy: [String]
    /// Whether the program removes its operands: then none may be empty, name the root folder or
    /// end in `.` or `..`, and the jail compares each one's identity with the root's.
    package var guarded: Bool

    package init(minimumCount: Int = 0, minimumWaivedBy: [String] = [], guarded: Bool = false) {
        self.minimumCount = minimumCount
        self.minimumWaivedBy = minimumWaivedBy
        self.guarded = guarded
    }

    /// Any number of operands, none of them special.
    package static let any = OperandRule()
}
