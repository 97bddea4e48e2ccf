extension Policy {
    /// `ls`, `rm` and `du`, as the hosted service documents its `execute`: the default.
    ///
    /// The tables follow the `--help` of GNU coreutils 9.1 (Debian 12), the tools that the jail
    /// runs; a test asks the installed ones whether an option is missing here.
    package static let vast = Policy(name: "vast", rules: [.ls, .rm, .du])

    /// The shipped policy of that name; nil if there is none.
    package static func named(_ name: String) -> Policy? {
        [vast].first { $0.name == name }
    }
}

extension OptionRule {
    /// Options without a value that one letter names, one for each letter.
    static func letters(_ letters: String) -> [OptionRule] {
        letters.utf8.map { OptionRule(short: $0) }
    }

    /// An option without a value.
    static func flag(_ short: Unicode.Scalar? = nil, _ long: String) -> OptionRule {
        OptionRule(short: short.map(UInt8.init(ascii:)), long: long)
    }

    /// An option that needs a value.
    static func valued(
        _ short: Unicode.Scalar? = nil, _ long: String, _ value: ValueCheck
    ) -> OptionRule {
        OptionRule(
            short: short.map(UInt8.init(ascii:)), long: long, argument: .required, value: value)
    }

    /// A long option whose value is optional.
    static func optional(_ long: String, _ words: [String]) -> OptionRule {
        OptionRule(long: long, argument: .optional, value: .word(words))
    }

    /// An option that the program knows and no policy with these tables allows.
    static func refused(
        _ short: Unicode.Scalar? = nil, _ long: String? = nil, _ argument: Argument = .none,
        because reason: String
    ) -> OptionRule {
        OptionRule(
            short: short.map(UInt8.init(ascii:)), long: long, argument: argument, refusal: reason)
    }

    /// `--help` and `--version`, which print the tool's own text.
    static let informative: [OptionRule] = [.flag(nil, "help"), .flag(nil, "version")]
}

extension ProgramRule {
    /// Patterns match one name, which has 255 bytes at most (NAME_MAX); escapes may double them.
    private static let pattern = ValueCheck.text(maximumByteCount: 512)
    /// Wider than any terminal, and small enough for what `ls` allocates for it.
    private static let columns = ValueCheck.integer(0...65_535)
    private static let whens = ["always", "never", "auto"]
    private static let noLabels =
        "the view has no SELinux labels, as the instance's files are mounted without them"

    static let ls = ProgramRule(
        program: "ls", writes: false,
        options: lsSelection + lsSorting + lsFormat + lsNames + OptionRule.informative)

    /// What is listed, and which links are followed.
    private static let lsSelection: [OptionRule] = [
        .flag("a", "all"),
        .flag("A", "almost-all"),
        .flag("B", "ignore-backups"),
        .flag("d", "directory"),
        .valued(nil, "hide", pattern),
        .valued("I", "ignore", pattern),
        .flag("R", "recursive"),
        .flag("L", "dereference"),
        .flag("H", "dereference-command-line"),
        .flag(nil, "dereference-command-line-symlink-to-dir"),
    ]

    /// In which order.
    private static let lsSorting: [OptionRule] =
        OptionRule.letters("cftuvSUX") + [
            .flag(nil, "group-directories-first"),
            .flag("r", "reverse"),
            .valued(
                nil, "sort", .word(["none", "size", "time", "version", "extension", "width"])),
            .valued(
                nil, "time",
                .word(["atime", "access", "use", "ctime", "status", "birth", "creation"])),
        ]

    /// With which columns, and how wide.
    private static let lsFormat: [OptionRule] =
        OptionRule.letters("Cglmox1") + [
            .flag(nil, "author"),
            .valued(nil, "block-size", .blockSize),
            .flag("D", "dired"),
            .valued(
                nil, "format",
                .word([
                    "across", "commas", "horizontal", "long", "single-column", "verbose",
                    "vertical",
                ])),
            .flag(nil, "full-time"),
            .flag("G", "no-group"),
            .flag("h", "human-readable"),
            .flag(nil, "si"),
            .flag("i", "inode"),
            .flag("k", "kibibytes"),
            .flag("n", "numeric-uid-gid"),
            .flag("s", "size"),
            .valued("T", "tabsize", columns),
            .valued(
                nil, "time-style",
                .timeStyle([
                    "full-iso", "long-iso", "iso", "locale", "posix-full-iso", "posix-long-iso",
                    "posix-iso", "posix-locale",
                ])),
            .valued("w", "width", columns),
            .flag(nil, "zero"),
            .refused("Z", "context", because: noLabels),
        ]

    /// How names are shown; `-F` takes no value, while `--classify` may have one.
    private static let lsNames: [OptionRule] =
        OptionRule.letters("Fp") + [
            .optional("classify", whens),
            .optional("color", whens),
            .flag("b", "escape"),
            .flag(nil, "file-type"),
            .flag("q", "hide-control-chars"),
            .refused(
                nil, "hyperlink", .optional,
                because: "its links would carry the name of the host machine"),
            .valued(
                nil, "indicator-style", .word(["none", "slash", "file-type", "classify"])),
            .flag("N", "literal"),
            .flag("Q", "quote-name"),
            .valued(
                nil, "quoting-style",
                .word([
                    "literal", "locale", "shell", "shell-always", "shell-escape",
                    "shell-escape-always", "c", "escape",
                ])),
            .flag(nil, "show-control-chars"),
        ]

    static let du = ProgramRule(
        program: "du", writes: false,
        options: OptionRule.informative + OptionRule.letters("Hkm") + [
            .flag("0", "null"),
            .flag("a", "all"),
            .flag(nil, "apparent-size"),
            .valued("B", "block-size", .blockSize),
            .flag("b", "bytes"),
            .flag("c", "total"),
            .flag("D", "dereference-args"),
            .valued("d", "max-depth", .integer(0...Int(Int32.max))),
            .valued(nil, "exclude", pattern),
            .refused(
                "X", "exclude-from", .required,
                because: "it reads patterns from a file; give each one with --exclude"),
            .refused(
                nil, "files0-from", .required,
                because: "it reads names from a file; give them as operands"),
            .flag("h", "human-readable"),
            .flag(nil, "inodes"),
            .flag("L", "dereference"),
            .flag("l", "count-links"),
            .flag("P", "no-dereference"),
            .flag("S", "separate-dirs"),
            .flag(nil, "si"),
            .flag("s", "summarize"),
            .valued("t", "threshold", .threshold),
            .optional("time", ["atime", "access", "use", "ctime", "status"]),
            .valued(nil, "time-style", .timeStyle(["full-iso", "long-iso", "iso"])),
            .flag("x", "one-file-system"),
        ])

    static let rm = ProgramRule(
        program: "rm", writes: true,
        options: OptionRule.informative + OptionRule.letters("R") + [
            .flag("d", "dir"),
            .flag("f", "force"),
            .refused("i", because: nobodyAnswers),
            .refused("I", because: nobodyAnswers),
            .refused(nil, "interactive", .optional, because: nobodyAnswers),
            .refused(
                nil, "no-preserve-root",
                because: "the root folder of an instance is never removed"),
            .flag(nil, "one-file-system"),
            .optional("preserve-root", ["all"]),
            // Not in --help; spelled with three dashes.
            .refused(
                nil, "-presume-input-tty", because: "it exists only for rm's own tests"),
            .flag("r", "recursive"),
            .flag("v", "verbose"),
        ],
        operands: OperandRule(
            minimumCount: 1, minimumWaivedBy: ["force", "help", "version"], guarded: true))

    private static let nobodyAnswers = "nobody is there to answer rm's questions"
}
