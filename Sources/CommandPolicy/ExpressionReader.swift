/// Reads a command of `find`: its leading options, its starting points, its expression.
///
/// As find(1) of GNU findutils 4.9 does: options come first (`-H`, `-L`, `-P`), then the starting points, up to the
/// first word that looks like an expression; after that, every word is one.
struct ExpressionReader {
    private let rule: ProgramRule
    private let command: ParsedCommand
    private var invocation = Invocation()

    init(rule: ProgramRule, command: ParsedCommand) {
        self.rule = rule
        self.command = command
    }

    /// - Throws: The first refusal in the order of the words.
    mutating func read() throws(Refusal) -> Invocation {
        var index = 1
        while index < command.words.count, let option = leadingOption(command.words[index].text) {
            if let reason = option.refusal {
                throw command.refusal(
                    .refusedOption, "\(option.spelling) is refused because \(reason).", at: index,
                    candidate: command.argv(replacing: index..<index + 1, with: []))
            }
            invocation.add(option, value: nil)
            index += 1
        }
        while index < command.words.count, !looksLikeExpression(command.words[index].text) {
            invocation.addOperand(at: index)
            index += 1
        }
        while index < command.words.count {
            index = try readPredicate(at: index)
        }
        return invocation
    }

    /// An option that stands before everything else; one with a value attached (`-O3`) counts as well.
    private func leadingOption(_ word: String) -> OptionRule? {
        rule.options.first { option in
            option.argument == .none
                ? word.hasSameBytes(as: option.spelling)
                : word.utf8.starts(with: option.spelling.utf8)
        }
    }

    /// Whether `find` takes the word for the expression's beginning, not for a starting point
    /// (`looks_like_expression` in findutils' `find/util.c`).
    private func looksLikeExpression(_ word: String) -> Bool {
        let bytes = Array(word.utf8)
        guard let first = bytes.first else { return false }
        if first == UInt8(ascii: "-") { return bytes.count > 1 }
        return bytes.count == 1 && (first == UInt8(ascii: "(") || first == UInt8(ascii: "!"))
    }

    /// Reads one word of the expression with its arguments; gives the index of the word after them.
    private func readPredicate(at index: Int) throws(Refusal) -> Int {
        let word = command.words[index].text
        guard let predicate = rule.predicates.first(where: { $0.name.hasSameBytes(as: word) })
        else { throw unknownPredicate(at: index) }
        if let reason = predicate.refusal {
            throw command.refusal(
                .refusedOption, "\(predicate.name) is refused because \(reason).", at: index)
        }
        for (offset, check) in predicate.values.enumerated() {
            let valueIndex = index + 1 + offset
            guard valueIndex < command.words.count else {
                throw command.refusal(
                    .missingValue,
                    "\(predicate.name) needs a value; it must be \(check.allowed).", at: index)
            }
            let value = command.words[valueIndex].text
            guard check.allows(value) else {
                throw command.refusal(
                    .badValue,
                    "\(value.quotedForMessage) is not allowed for \(predicate.name); the value must be "
                        + "\(check.allowed).",
                    at: valueIndex,
                    candidate: check.nearest(to: value).map {
                        command.argv(replacing: valueIndex..<valueIndex + 1, with: [$0])
                    })
            }
        }
        return index + 1 + predicate.values.count
    }

    private func unknownPredicate(at index: Int) -> Refusal {
        let word = command.words[index].text
        guard looksLikeExpression(word) else {
            return command.refusal(
                .unknownOption,
                "\(word.quotedForMessage) stands in \(rule.program)'s expression; folders come before it.",
                at: index)
        }
        let allowed = rule.predicates.filter { $0.refusal == nil }.map(\.name)
        let nearest = nearestWord(to: word, among: allowed)
        let advice =
            nearest.map { "the nearest is \($0)" } ?? "boathook policy show lists those there are"
        return command.refusal(
            .unknownOption, "\(rule.program) has no \(word.quotedForMessage) here; \(advice).",
            at: index,
            candidate: nearest.map { command.argv(replacing: index..<index + 1, with: [$0]) })
    }
}
