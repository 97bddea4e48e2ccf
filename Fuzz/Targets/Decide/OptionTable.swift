internal import CommandPolicy
internal import FuzzReference
internal import FuzzSupport
internal import Glibc

/// A rule's options as getopt_long(3) has them, and the rule without what only a policy refuses.
struct OptionTable {
    let rule: ProgramRule
    /// The same options, every one allowed with any value: what is still refused is no option of this
    /// table.
    let lenient: ProgramRule
    private let number: CInt

    init(_ rule: ProgramRule) {
        self.rule = rule
        var lenient = rule
        lenient.options = rule.options.map { option in
            var option = option
            option.refusal = nil
            option.value = .text(maximumByteCount: .max)
            return option
        }
        self.lenient = lenient
        number = options_table()
        for option in rule.options {
            let argument: option_argument =
                switch option.argument {
                case .none: OPTION_BARE
                case .required, .separate: OPTION_REQUIRED
                case .optional: OPTION_OPTIONAL
                }
            if let long = option.long {
                options_add(number, option.short ?? 0, long, argument)
            } else {
                options_add(number, option.short ?? 0, nil, argument)
            }
        }
    }

    /// What glibc makes of the words.
    func read(_ words: [String]) -> OptionReading {
        // `head -20` is read before getopt sees the rest.
        let hasCount = rule.acceptsCount && words.count > 1 && Self.isCount(words[1])
        let given = hasCount ? [words[0]] + words[2...] : words
        var strings = given.map { word in strdup(word) }
        defer { strings.forEach { free($0) } }
        return strings.withUnsafeMutableBufferPointer { strings in
            strings.withMemoryRebound(to: UnsafePointer<CChar>?.self) { words in
                let reading = options_read(number, CInt(words.count), words.baseAddress).pointee
                return OptionReading(reading, skipped: hasCount ? 1 : 0)
            }
        }
    }

    /// Whether the first word is an option of before POSIX, such as `+5f`: `tail` reads it itself.
    func hasOldForm(_ words: [String]) -> Bool {
        rule.acceptsCount && words.count > 1 && words[1].utf8.first == UInt8(ascii: "+")
    }

    private static func isCount(_ word: String) -> Bool {
        let bytes = Array(word.utf8)
        return bytes.count >= 2 && bytes.count <= 10 && bytes[0] == UInt8(ascii: "-")
            && bytes[1...].allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }
}

/// What glibc made of a command's words, up to its first error.
struct OptionReading {
    struct Event {
        let kind: option_event_kind
        /// The option's number in its rule; -1 for an unknown one.
        let option: Int
        let value: String?
    }

    let events: [Event]
    let operandIndices: [Int]

    /// How it ended: nil when every word was taken.
    var failure: option_event_kind? {
        events.last.flatMap { $0.kind == OPTION_TAKEN ? nil : $0.kind }
    }

    init(_ reading: option_reading, skipped: Int) {
        events = (0..<reading.event_count).map { index in
            let event = reading.events[index]
            return Event(
                kind: event.kind, option: Int(event.rule),
                value: event.value.map { String(cString: $0) })
        }
        operandIndices = (0..<reading.operand_count).map {
            Int(reading.operands[$0]) + skipped
        }
    }
}
