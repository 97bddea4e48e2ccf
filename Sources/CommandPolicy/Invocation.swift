/// A program's options and operands, told apart as GNU getopt_long(3) does.
package struct Invocation: Sendable, Hashable {
    /// One option as it was given.
    package struct Option: Sendable, Hashable {
        package let rule: OptionRule
        package let value: String?
    }

    /// The options in the order given.
    package private(set) var options: [Option] = []
    /// The indices of the operands in the command's words, in order.
    package private(set) var operandIndices: [Int] = []

    mutating func add(_ option: OptionRule, value: String?) {
        options.append(Option(rule: option, value: value))
    }

    mutating func addOperand(at index: Int) {
        operandIndices.append(index)
    }

    /// Whether one of these options was given; names with their dashes.
    package func has(anyOf names: [String]) -> Bool {
        options.contains { option in names.contains { option.rule.hasName($0) } }
    }
}

extension ProgramRule {
    /// Tells a command's options from its operands; the operands themselves are not checked.
    ///
    /// - Parameter command: A command of this program; its first word is not looked at.
    /// - Returns: The options and operands in the order given.
    /// - Throws: ``CommandError`` for the first option that is unknown, refused or has a wrong
    ///   value.
    package func invocation(of command: ParsedCommand) throws(CommandError) -> Invocation {
        do throws(Refusal) {
            return try read(command)
        } catch {
            throw error.error
        }
    }

    /// The same, with what may be tried instead.
    func read(_ command: ParsedCommand) throws(Refusal) -> Invocation {
        switch syntax {
        case .getopt:
            var reader = InvocationReader(rule: self, command: command)
            return try reader.read()
        case .expression:
            var reader = ExpressionReader(rule: self, command: command)
            return try reader.read()
        case .forms(let forms):
            try check(command, isOneOf: forms)
            return Invocation()
        }
    }

    /// A message is to be read.
    private static let shownFormCount = 6

    private func check(_ command: ParsedCommand, isOneOf forms: [[String]]) throws(Refusal) {
        let isThere = forms.contains { form in
            form.elementsEqual(command.argv) { $0.hasSameBytes(as: $1) }
        }
        guard !isThere else { return }
        let known = forms.prefix(Self.shownFormCount).map { form in
            form.map(ParsedCommand.shellQuoted).joined(separator: " ")
        }
        let more =
            forms.count > known.count
            ? " and others; boathook policy show \(policy) lists them" : ""
        throw Refusal(
            CommandError(
                .unknownForm,
                "\(program) runs in fixed forms alone: \(more.isEmpty ? list(known, "or") : known.joined(separator: ", "))\(more).",
                offset: 0, token: command.text),
            candidate: forms.first)
    }
}

/// Reads a command's options by a rule's table.
///
/// As getopt_long(3) without POSIXLY_CORRECT: options may follow operands, `--` ends them, `-` is
/// an operand, `-la` is two options, `-d2` and `-d 2` are the same. But abbreviations of long
/// options, which getopt_long accepts, are refused.
struct InvocationReader {
    private let rule: ProgramRule
    private let command: ParsedCommand
    private var invocation = Invocation()

    init(rule: ProgramRule, command: ParsedCommand) {
        self.rule = rule
        self.command = command
    }

    /// Reads all of the command's words, the program left out.
    ///
    /// - Throws: The first refusal in the order of the words.
    mutating func read() throws(Refusal) -> Invocation {
        try refuseOldForm()
        var index = rule.acceptsCount && isCount(at: 1) ? 2 : 1
        var onlyOperands = false
        while index < command.words.count {
            let bytes = Array(command.words[index].text.utf8)
            if onlyOperands || bytes.count < 2 || bytes[0] != UInt8(ascii: "-") {
                invocation.addOperand(at: index)
                index += 1
            } else if bytes.elementsEqual("--".utf8) {
                onlyOperands = true
                index += 1
            } else if bytes[1] == UInt8(ascii: "-") {
                index = try readLong(at: index, bytes)
            } else {
                index = try readCluster(at: index, bytes)
            }
        }
        return invocation
    }

    /// A first word such as `+5f` is an option to `tail`, of before POSIX, and follows for ever.
    private func refuseOldForm() throws(Refusal) {
        guard rule.acceptsCount, command.words.count > 1,
            command.words[1].text.utf8.first == UInt8(ascii: "+")
        else { return }
        let word = command.words[1].text
        throw command.refusal(
            .unknownOption,
            "\(rule.program) reads a first word such as +5 as an old option; write -n +5, or ./+5 for a file.",
            at: 1, candidate: command.argv(replacing: 1..<2, with: ["./" + word]))
    }

    /// Whether the word is `-NUM`, of at most nine digits.
    private func isCount(at index: Int) -> Bool {
        guard index < command.words.count else { return false }
        let bytes = Array(command.words[index].text.utf8)
        return bytes.first == UInt8(ascii: "-") && (2...10).contains(bytes.count)
            && bytes.dropFirst().allSatisfy(\.isASCIIDigit)
    }

    // MARK: - Long options

    /// Reads `--name`, `--name=value` or `--name value`; gives the index of the word after it.
    private mutating func readLong(at index: Int, _ bytes: [UInt8]) throws(Refusal) -> Int {
        let equals = bytes.firstIndex(of: UInt8(ascii: "="))
        let nameEnd = equals ?? bytes.count
        let name = Array(bytes[2..<nameEnd]).text
        guard let option = rule.option(long: name) else {
            throw unknownLong(name, at: index, nameEnd: nameEnd)
        }
        let spelled = "--" + name
        let takesNext =
            equals == nil && (option.argument == .required || option.argument == .separate)
        let next = takesNext ? index + 2 : index + 1
        if let reason = option.refusal {
            throw command.refusal(
                .refusedOption, "\(spelled) is refused because \(reason).", at: index,
                part: 0..<nameEnd,
                candidate: command.argv(
                    replacing: index..<min(next, command.words.count), with: []))
        }
        if let equals {
            let value = Array(bytes[(equals + 1)...]).text
            guard option.argument != .none else {
                throw command.refusal(
                    .unexpectedValue,
                    "\(spelled) takes no value; leave out everything from the = on.", at: index,
                    candidate: command.argv(replacing: index..<index + 1, with: [spelled]))
            }
            try take(
                option, spelled, value, at: index, part: equals + 1..<bytes.count,
                prefix: spelled + "=")
        } else if takesNext {
            guard index + 1 < command.words.count else {
                throw missingValue(option, spelled, at: index)
            }
            let value = command.words[index + 1].text
            try take(option, spelled, value, at: index + 1, part: nil, prefix: "")
        } else {
            invocation.add(option, value: nil)
        }
        return next
    }

    /// Tells an abbreviation from a mistake.
    private func unknownLong(_ name: String, at index: Int, nameEnd: Int) -> Refusal {
        let longs = rule.options.compactMap(\.long)
        let rest = Array(command.words[index].text.utf8.dropFirst(nameEnd)).text
        let candidate = { (long: String) in
            self.command.argv(replacing: index..<index + 1, with: ["--" + long + rest])
        }
        let begun = longs.filter { $0.utf8.starts(with: name.utf8) }
        if !begun.isEmpty {
            let full = begun.count > 6 ? "its name" : list(begun.map { "--" + $0 }, "or")
            return command.refusal(
                .abbreviatedOption, "Options are spelled in full; write \(full).", at: index,
                part: 0..<nameEnd, candidate: begun.count == 1 ? begun.first.map(candidate) : nil)
        }
        let allowed = rule.options.filter { $0.refusal == nil }.compactMap(\.long)
        let nearest = nearestWord(to: name, among: allowed)
        let advice = nearest.map { "the nearest is --\($0)" } ?? listing
        return command.refusal(
            .unknownOption,
            "\(rule.program) has no option \(("--" + name).quotedForMessage); \(advice).",
            at: index, part: 0..<nameEnd, candidate: nearest.map(candidate))
    }

    // MARK: - Short options

    /// Reads `-la`, `-d2` or `-d 2`; gives the index of the word after it.
    private mutating func readCluster(at index: Int, _ bytes: [UInt8]) throws(Refusal) -> Int {
        var position = 1
        while position < bytes.count {
            guard let option = rule.option(short: bytes[position]) else {
                throw unknownShort(bytes, position, at: index)
            }
            let letter = Array(bytes[position...position]).text
            let spelled = "-" + letter
            let part = position..<position + 1
            if let reason = option.refusal {
                throw command.refusal(
                    .refusedOption, "\(spelled) is refused because \(reason).", at: index,
                    part: part, candidate: dropping(option, position, bytes, at: index))
            }
            position += 1
            if option.argument == .none || (option.argument == .optional && position == bytes.count)
            {
                invocation.add(option, value: nil)
                continue
            }
            if position < bytes.count, option.argument == .separate {
                let before = Array(bytes[..<position]).text, rest = Array(bytes[position...]).text
                throw command.refusal(
                    .missingValue, "The value of \(spelled) is a word of its own.", at: index,
                    part: part,
                    candidate: command.argv(replacing: index..<index + 1, with: [before, rest]))
            }
            if position < bytes.count {
                let value = Array(bytes[position...]).text
                let prefix = Array(bytes[..<position]).text
                try take(
                    option, spelled, value, at: index, part: position..<bytes.count,
                    prefix: prefix)
                return index + 1
            }
            guard index + 1 < command.words.count else {
                throw missingValue(option, spelled, at: index, part: part)
            }
            let value = command.words[index + 1].text
            try take(option, spelled, value, at: index + 1, part: nil, prefix: "")
            return index + 2
        }
        return index + 1
    }

    /// The command without one refused letter of a cluster, and without its value.
    private func dropping(_ option: OptionRule, _ position: Int, _ bytes: [UInt8], at index: Int)
        -> [String]
    {
        let before = Array(bytes[..<position])
        let after =
            option.argument == .none || option.argument == .separate
            ? Array(bytes[(position + 1)...]) : []
        let rest = before + after
        let hasSeparateValue =
            position + 1 == bytes.count
            && (option.argument == .required || option.argument == .separate)
        let end = min(index + (hasSeparateValue ? 2 : 1), command.words.count)
        return command.argv(replacing: index..<end, with: rest.count > 1 ? [rest.text] : [])
    }

    private func unknownShort(_ bytes: [UInt8], _ position: Int, at index: Int) -> Refusal {
        // A scalar beyond ASCII is shown whole, though getopt would name its first byte.
        var end = position + 1
        while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        let letter = Array(bytes[position..<end]).text
        var advice = listing
        var candidate: [String]?
        let name = bytes.dropFirst().prefix { $0 != UInt8(ascii: "=") }
        if let option = rule.option(long: Array(name).text), option.refusal == nil {
            let word = "-" + bytes.text
            advice = "the long option is --\(Array(name).text)"
            candidate = command.argv(replacing: index..<index + 1, with: [word])
        } else if let other = bytes[position].otherCase, let option = rule.option(short: other),
            option.refusal == nil
        {
            var word = bytes
            word[position] = other
            advice = "the nearest is -\([other].text)"
            candidate = command.argv(replacing: index..<index + 1, with: [word.text])
        }
        return command.refusal(
            .unknownOption,
            "\(rule.program) has no option \(("-" + letter).quotedForMessage); \(advice).",
            at: index, part: position..<end, candidate: candidate)
    }

    // MARK: - Values

    private var listing: String { "\(rule.program) --help lists those there are" }

    private func missingValue(
        _ option: OptionRule, _ spelled: String, at index: Int, part: Range<Int>? = nil
    ) -> Refusal {
        command.refusal(
            .missingValue, "\(spelled) needs a value; it must be \(option.value.allowed).",
            at: index, part: part)
    }

    /// Takes an option with its value, if the value is allowed.
    ///
    /// The value is the part `part` (nil for all) of the word at `index`; `prefix` stands before
    /// it in the word.
    private mutating func take(
        _ option: OptionRule, _ spelled: String, _ value: String, at index: Int,
        part: Range<Int>?, prefix: String
    ) throws(Refusal) {
        guard option.value.allows(value) else {
            let nearest = option.value.nearest(to: value)
            throw command.refusal(
                .badValue,
                "\(value.quotedForMessage) is not allowed for \(spelled); the value must be "
                    + "\(option.value.allowed).",
                at: index, part: part,
                candidate: nearest.map {
                    command.argv(replacing: index..<index + 1, with: [prefix + $0])
                })
        }
        invocation.add(option, value: value)
    }
}
