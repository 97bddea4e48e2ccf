internal import AgentLink
internal import CommandPolicy

/// Compares what the machine decided on with a reading that shares no code with it.
///
/// They never differ, unless one of them has a bug or the order was made to be read in two ways. Then nothing is
/// run, and the operator is told.
enum ReadingCheck {
    /// - Parameters:
    ///   - decision: What the machine allows.
    ///   - order: What the server sent.
    ///   - rule: The rule that allows it.
    /// - Throws: ``CommandRefusal`` with the code `readings_differ`.
    static func check(
        _ decision: Decision, for order: RunCommand, by rule: ProgramRule?
    ) throws(CommandRefusal) {
        let ordered = order.argv.map { Array($0.utf8) }
        try check(decision.argv.map { Array($0.utf8) }, ordered, "the words that were decided on")
        try check(decision.command, ordered, "the text that was decided on")
        try check(order.command, ordered, "the text that was sent")
        guard let program = ordered.first, isPlainName(program) else {
            throw differ("a program with no plain name")
        }
        guard ordered.allSatisfy({ !$0.contains(0) }) else { throw differ("a zero byte") }
        // With one blank between each two, as somebody would at least have typed it.
        guard SecondReading.isShort(Array(ordered.joined(separator: [UInt8(ascii: " ")]))) else {
            throw differ("more than a command may have")
        }
        try checkRemoval(ordered, decision, rule)
    }

    /// Of an order on which no policy decides: whether its text is read to its words.
    ///
    /// - Throws: ``CommandRefusal`` with the code `readings_differ`.
    static func checkText(of order: RunCommand) throws(CommandRefusal) {
        try check(order.command, order.argv.map { Array($0.utf8) }, "the text that was sent")
    }

    /// - Throws: ``CommandRefusal`` when the text is not read to these words.
    private static func check(
        _ text: String, _ ordered: [[UInt8]], _ what: String
    ) throws(CommandRefusal) {
        guard let words = SecondReading.words(of: text.utf8) else {
            throw differ("what the grammar refuses in \(what)")
        }
        try check(words, ordered, what)
    }

    /// - Throws: ``CommandRefusal`` when these are not the same words, byte for byte.
    private static func check(
        _ words: [[UInt8]], _ ordered: [[UInt8]], _ what: String
    ) throws(CommandRefusal) {
        guard words == ordered else {
            throw differ(
                "\(words.count) words in \(what), which are not the \(ordered.count) of the order")
        }
    }

    private static func checkRemoval(
        _ words: [[UInt8]], _ decision: Decision, _ rule: ProgramRule?
    ) throws(CommandRefusal) {
        guard let rule, Array(rule.program.utf8) == words.first, rule.writes == decision.writes
        else { throw differ("a rule for something else") }
        guard decision.writes || words.first == Array("rm".utf8) else { return }
        let operands: [[UInt8]]
        do throws(RemovalReading.Objection) {
            operands = try RemovalReading(rule).operands(of: words)
        } catch {
            throw differ("\(error)")
        }
        guard decision.guards.map({ Array($0.utf8) }) == operands else {
            throw differ("other operands than those that are guarded")
        }
    }

    private static func isPlainName(_ name: [UInt8]) -> Bool {
        let isLetterOrDigit = { (byte: UInt8) in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        return name.first.map(isLetterOrDigit) ?? false && name.count <= 64
            && name.allSatisfy { isLetterOrDigit($0) || "-_.+".utf8.contains($0) }
    }

    /// Says nothing of the command itself: its bytes are what is in doubt.
    private static func differ(_ finding: String) -> CommandRefusal {
        CommandRefusal(
            .denied,
            "readings_differ: the machine's second reading finds \(finding); nothing was run",
            isAlarm: true)
    }
}

extension RemovalReading {
    /// What a rule allows, as a list of names; what takes a value of its own choice is not among them.
    init(_ rule: ProgramRule) {
        self.init()
        minimumCount = rule.operands.minimumCount
        maximumCount = rule.operands.maximumCount
        for option in rule.options where option.refusal == nil {
            let waives = rule.operands.minimumWaivedBy.contains(where: option.hasName)
            let isBare = option.argument == .none
            if let letter = option.short, isBare {
                letters.insert(letter)
                if waives { waivingLetters.insert(letter) }
            }
            guard let name = option.long, isBare || option.argument == .optional else { continue }
            var words = ["--" + name]
            if !isBare, case .word(let values) = option.value {
                words += values.map { "--\(name)=\($0)" }
            }
            for word in words.map({ Array($0.utf8) }) {
                longWords.insert(word)
                if waives { waivingWords.insert(word) }
            }
        }
    }
}
