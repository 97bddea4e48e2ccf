/// One program that a policy knows: its options, its operands, what it may do.
package struct ProgramRule: Sendable, Hashable {
    /// The policy that the rule stands in.
    package var policy: String
    /// Unique in its policy; by default the program's name.
    package var name: String
    /// The program's name, as the first word must spell it.
    package var program: String
    /// Who runs it.
    package var backend: CommandBackend
    /// How its arguments are read.
    package var syntax: Syntax
    /// Whether it changes files, and so needs a writable view.
    package var writes: Bool
    /// On what of an instance it may run.
    package var views: [InstanceView]
    /// Whether the volumes that the instance declares are attached where they belong.
    package var attachesVolumes: Bool
    /// Every option that the program knows, allowed or refused.
    ///
    /// An option with several short names has one rule for each.
    package var options: [OptionRule]
    /// Whether the first argument may be `-NUM`, as `head` and `tail` take it.
    package var acceptsCount: Bool
    /// Every word of an expression that the program knows; for ``Syntax/expression`` alone.
    package var predicates: [PredicateRule]
    /// What its operands may be.
    package var operands: OperandRule
    /// What one run may use.
    package var limits: CommandLimits

    /// How a program's arguments are read.
    package enum Syntax: Sendable, Hashable {
        /// As getopt_long(3) does.
        case getopt
        /// As find(1) does.
        case expression
        /// The whole command is one of these, word for word.
        case forms([[String]])
    }

    /// The rule's name in the records: `vast/ls`.
    package var id: String { "\(policy)/\(name)" }

    package init(
        policy: String, name: String? = nil, program: String, backend: CommandBackend = .jail,
        syntax: Syntax = .getopt, writes: Bool = false, views: [InstanceView]? = nil,
        attachesVolumes: Bool = true, options: [OptionRule] = [], acceptsCount: Bool = false,
        predicates: [PredicateRule] = [], operands: OperandRule = .any,
        limits: CommandLimits = CommandLimits()
    ) {
        self.policy = policy
        self.name = name ?? program
        self.program = program
        self.backend = backend
        self.syntax = syntax
        self.writes = writes
        // The writable layer alone cannot be written: its other layers belong to it.
        self.views = views ?? (writes || backend == .engine ? [.merged] : [.merged, .writable])
        self.attachesVolumes = attachesVolumes
        self.options = options
        self.acceptsCount = acceptsCount
        self.predicates = predicates
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
        /// Needs one, as a word of its own: `-P 2`; for programs that read their arguments without getopt.
        case separate
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

    /// As it is written: `--max-depth`, or `-d` when it has no long name.
    package var spelling: String {
        long.map { "--" + $0 } ?? short.map { "-" + [$0].text } ?? ""
    }

    /// Whether a name with its dashes is one of this option's.
    package func hasName(_ name: String) -> Bool {
        (long.map { name.hasSameBytes(as: "--" + $0) } ?? false)
            || (short.map { name.hasSameBytes(as: "-" + [$0].text) } ?? false)
    }

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
    /// The most; nil for any number.
    package var maximumCount: Int?
    /// Options, with their dashes, that make operands unnecessary, such as `--force` for `rm`.
    package var minimumWaivedBy: [String]
    /// How many operands at the front are no paths, such as the pattern of `grep`.
    package var leadingCount: Int
    /// Options, with their dashes, with which there are none such.
    package var leadingWaivedBy: [String]
    /// Normalised paths below which every path must lie; nil for everywhere.
    package var within: [String]?
    /// Whether the program removes its operands: then none may be empty, name the root folder or
    /// end in `.` or `..`, and the jail compares each one's identity with those of the root, of mount
    /// points and of ``protected``.
    package var guarded: Bool
    /// Normalised paths that are never removed.
    package var protected: [String]

    package init(
        minimumCount: Int = 0, maximumCount: Int? = nil, minimumWaivedBy: [String] = [],
        leadingCount: Int = 0, leadingWaivedBy: [String] = [], within: [String]? = nil,
        guarded: Bool = false, protected: [String] = []
    ) {
        self.minimumCount = minimumCount
        self.maximumCount = maximumCount
        self.minimumWaivedBy = minimumWaivedBy
        self.leadingCount = leadingCount
        self.leadingWaivedBy = leadingWaivedBy
        self.within = within
        self.guarded = guarded
        self.protected = protected
    }

    /// Any number of operands, none of them special.
    package static let any = OperandRule()
}
