/// Something that a shell would act on, and that this grammar refuses by name.
struct RefusedConstruct {
    let code: CommandError.Code
    /// The bytes to blame.
    let token: String
    /// What it is, for the message: "A pipe".
    let name: String
    /// What to do instead, for the message.
    let advice: String

    private init(
        _ code: CommandError.Code, _ token: some Collection<UInt8>, _ name: String,
        _ advice: String = "put it in single quotes to mean the character itself"
    ) {
        self.code = code
        self.token = Array(token).text
        self.name = name
        self.advice = advice
    }

    /// Finds what a shell would act on at the start of `rest`; nil for a plain byte.
    ///
    /// - Parameters:
    ///   - rest: The command from the byte in question on; not empty.
    ///   - startsWord: Whether no word is in progress, where `~` and `#` have a meaning.
    init?(at rest: ArraySlice<UInt8>, startsWord: Bool) {
        let longest = { (tokens: [String]) in
            tokens.first { rest.starts(with: $0.utf8) }.map { rest.prefix($0.utf8.count) }
                ?? rest.prefix(1)
        }
        let one = rest.prefix(1)
        switch rest[rest.startIndex] {
        case 0: self.init(.nulByte, one, "A zero byte", "remove it")
        case UInt8(ascii: "\n"), UInt8(ascii: "\r"): self = .newline(one)
        case UInt8(ascii: "|"):
            let token = longest(["||"])
            if token.count == 2 {
                self.init(.logicalOr, token, "An “or” list", Self.separately)
            } else {
                self.init(.pipe, token, "A pipe", Self.separately)
            }
        case UInt8(ascii: "&"):
            let token = longest(["&&"])
            if token.count == 2 {
                self.init(.logicalAnd, token, "An “and” list", Self.separately)
            } else {
                self.init(.background, token, "A background job", Self.detached)
            }
        case UInt8(ascii: ";"): self.init(.sequence, one, "A list of commands", Self.separately)
        case UInt8(ascii: "<"):
            let token = longest(["<<<", "<<-", "<<", "<&", "<>"])
            if token.starts(with: "<<".utf8) {
                self.init(.hereDocument, token, "A here-document")
            } else {
                self.init(.inputRedirection, token, "A redirection of input")
            }
        case UInt8(ascii: ">"):
            let token = longest([">>", ">&", ">|"])
            self.init(.outputRedirection, token, "A redirection of output")
        case UInt8(ascii: "$"): self.init(dollar: rest)
        case UInt8(ascii: "`"): self.init(.backquoteSubstitution, one, "A command substitution")
        case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["):
            self.init(.glob, one, "A file name pattern", "name each file, or quote the character")
        case UInt8(ascii: "~") where startsWord:
            self.init(.tildeExpansion, one, "A home folder", "write its path, such as /root")
        case UInt8(ascii: "{"), UInt8(ascii: "}"):
            self.init(.braceExpansion, one, "A brace expansion", "write each word out, or quote it")
        case UInt8(ascii: "("), UInt8(ascii: ")"): self.init(.subshell, one, "A subshell")
        case UInt8(ascii: "#") where startsWord:
            self.init(.comment, one, "A comment", "remove it, or quote the character")
        case let byte where byte.isRefusedControl:
            self.init(.controlByte, one, "A control byte", "remove it, or quote it")
        default: return nil
        }
    }

    /// What a `$` begins: `$((`, `$(`, `${`, or a variable with as much as belongs to its name.
    private init(dollar rest: ArraySlice<UInt8>) {
        let next = rest.dropFirst()
        if next.starts(with: "((".utf8) {
            self.init(.arithmeticExpansion, rest.prefix(3), "An arithmetic expansion")
        } else if next.starts(with: "(".utf8) {
            self.init(.commandSubstitution, rest.prefix(2), "A command substitution")
        } else if next.starts(with: "{".utf8) {
            self.init(.parameterExpansion, rest.prefix(2), "A parameter expansion")
        } else {
            let name = next.prefix {
                $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "_")
            }
            self.init(
                .variable, rest.prefix(1 + name.count), "A variable",
                "write its value, or put the $ in single quotes")
        }
    }

    static let negation = Self(.negation, "!".utf8, "A negation", "begin with the program")

    static func newline(_ token: some Collection<UInt8>) -> Self {
        Self(.newline, token, "A line break", "send one command, and quote a break within a name")
    }

    private static let separately = "send the commands one by one"
    private static let detached = "leave it out, every command already runs by itself"

    func error(at offset: Int) -> CommandError {
        CommandError(
            code,
            "\(name) (\(token.printable)) at byte \(offset) is refused, as no shell reads the "
                + "command; \(advice).",
            offset: offset, token: token)
    }
}
