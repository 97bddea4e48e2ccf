/// A command that the policy will not run, and why.
///
/// Parsing (``ParsedCommand/parse(_:)``) throws it; ``Policy/decide(_:)-(String)`` turns it into a
/// ``Decision/Denial``.
package struct CommandError: Error, Sendable, Hashable {
    /// For programs; its spelling is part of the wire contract and never changes.
    package var code: Code
    /// One sentence for the person who sent the command: what is wrong and what to do.
    ///
    /// Safe to show as it is: what it quotes of the command is escaped and cut.
    package var message: String
    /// Where in the command, in UTF-8 bytes from its start; nil if no single place is to blame.
    package var offset: Int?
    /// The bytes of the command at `offset` that are to blame, as they were typed.
    package var token: String?

    package init(_ code: Code, _ message: String, offset: Int? = nil, token: String? = nil) {
        self.code = code
        self.message = message
        self.offset = offset
        self.token = token
    }
}

extension CommandError: CustomStringConvertible {
    package var description: String { "\(code): \(message)" }
}

extension CommandError {
    /// The kind of refusal; a struct, so that a new one breaks no `switch`.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        package let description: String

        package init(description: String) {
            self.description = description
        }
    }
}

// The grammar's codes (`docs/command-grammar.md`).
extension CommandError.Code {
    /// The text is empty or blank.
    package static let missingCommand = Self(description: "missing_command")
    /// More than 512 Unicode scalars or 2048 bytes.
    package static let tooLong = Self(description: "too_long")
    /// A zero byte, which no argument of a program can hold.
    package static let nulByte = Self(description: "nul_byte")
    /// A control byte outside quotes.
    package static let controlByte = Self(description: "control_byte")
    /// A quote that is never closed.
    package static let unbalancedQuote = Self(description: "unbalanced_quote")
    /// A backslash with nothing after it.
    package static let trailingBackslash = Self(description: "trailing_backslash")
    /// A pipe: `|`.
    package static let pipe = Self(description: "pipe")
    /// An “or” list: `||`.
    package static let logicalOr = Self(description: "logical_or")
    /// A background job: `&`.
    package static let background = Self(description: "background")
    /// An “and” list: `&&`.
    package static let logicalAnd = Self(description: "logical_and")
    /// A list of commands: `;`.
    package static let sequence = Self(description: "sequence")
    /// A line feed or carriage return outside quotes.
    package static let newline = Self(description: "newline")
    /// A redirection of input: `<`, `<&` or `<>`.
    package static let inputRedirection = Self(description: "input_redirection")
    /// A here-document or here-string: `<<`, `<<-` or `<<<`.
    package static let hereDocument = Self(description: "here_document")
    /// A redirection of output: `>`, `>>`, `>&` or `>|`.
    package static let outputRedirection = Self(description: "output_redirection")
    /// A command substitution: `$(`.
    package static let commandSubstitution = Self(description: "command_substitution")
    /// A command substitution in the old spelling, with a backquote.
    package static let backquoteSubstitution = Self(description: "backquote_substitution")
    /// An arithmetic expansion: `$((`.
    package static let arithmeticExpansion = Self(description: "arithmetic_expansion")
    /// A parameter expansion: `${`.
    package static let parameterExpansion = Self(description: "parameter_expansion")
    /// A variable, `$NAME`, or any other `$`.
    package static let variable = Self(description: "variable")
    /// A file name pattern: `*`, `?` or `[`.
    package static let glob = Self(description: "glob")
    /// A home folder: `~` at a word's start.
    package static let tildeExpansion = Self(description: "tilde_expansion")
    /// A brace expansion: `{` or `}`.
    package static let braceExpansion = Self(description: "brace_expansion")
    /// A subshell: `(` or `)`.
    package static let subshell = Self(description: "subshell")
    /// A comment: `#` at a word's start.
    package static let comment = Self(description: "comment")
    /// A negation: `!` as the first word.
    package static let negation = Self(description: "negation")
}

// The policies' codes.
extension CommandError.Code {
    /// The first word is not one of the policy's programs.
    package static let unknownProgram = Self(description: "unknown_program")
    /// The program has no such option.
    package static let unknownOption = Self(description: "unknown_option")
    /// A long option that is not spelled in full.
    package static let abbreviatedOption = Self(description: "abbreviated_option")
    /// An option that the program knows and the policy refuses.
    package static let refusedOption = Self(description: "refused_option")
    /// An option without the value it needs.
    package static let missingValue = Self(description: "missing_value")
    /// A value for an option that takes none.
    package static let unexpectedValue = Self(description: "unexpected_value")
    /// A value that the option does not allow.
    package static let badValue = Self(description: "bad_value")
    /// Too few operands.
    package static let missingOperand = Self(description: "missing_operand")
    /// An empty operand of a program that removes.
    package static let emptyOperand = Self(description: "empty_operand")
    /// An operand of a program that removes, whose last component is `.` or `..`.
    package static let dotOperand = Self(description: "dot_operand")
    /// An operand of a program that removes, and that is the root folder.
    package static let rootOperand = Self(description: "root_operand")
    /// An operand of a program that removes, and that is a folder of the system.
    package static let protectedOperand = Self(description: "protected_operand")
    /// More operands than the rule allows.
    package static let tooManyOperands = Self(description: "too_many_operands")
    /// A path outside those of the rule or of the key.
    package static let pathNotAllowed = Self(description: "path_not_allowed")
    /// A command that is none of the forms in which its program may run.
    package static let unknownForm = Self(description: "unknown_form")
    /// The rule does not run on that view.
    package static let viewNotAllowed = Self(description: "view_not_allowed")
    /// The key does not reach to this rule.
    package static let notGranted = Self(description: "not_granted")
    /// The key lets nothing be changed.
    package static let writesNotGranted = Self(description: "writes_not_granted")
}
