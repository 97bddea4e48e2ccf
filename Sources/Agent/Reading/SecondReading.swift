/// A command's bytes read to words once more, from docs/command-grammar.md alone.
///
/// Written apart from `CommandPolicy`, and in another shape: classes of bytes by states, one table. It imports
/// nothing, so that a fault in what the server reads with cannot be one here too. It says yes or no; why, the
/// server has said.
package enum SecondReading {
    /// The most that somebody may type.
    package static let maximumCodePointCount = 512
    package static let maximumByteCount = 2048

    /// Reads a command.
    ///
    /// - Parameter text: Its bytes, of UTF-8.
    /// - Returns: The words; nil for what the grammar refuses. How long the text is, is not looked at.
    package static func words(of text: some Sequence<UInt8>) -> [[UInt8]]? {
        var state = State.gap
        var words: [[UInt8]] = []
        var word: [UInt8] = []
        // Bytes of the word as it was typed.
        var typedCount = 0
        for byte in text {
            let step = steps[state.rawValue * classCount + Int(classes[Int(byte)])]
            typedCount += 1
            switch step {
            case .refuse: return nil
            case .skip: state = state.home
            case .keep:
                word.append(byte)
                state = state.home
            case .keepBoth:
                word.append(UInt8(ascii: "\\"))
                word.append(byte)
                state = state.home
            case .go(let next): state = next
            case .blank:
                if state == .bare {
                    guard !isNegation(word, typedCount - 1, words.count) else { return nil }
                    words.append(word)
                    word.removeAll(keepingCapacity: true)
                }
                typedCount = 0
                state = .gap
            }
        }
        switch state {
        case .gap: return words.isEmpty ? nil : words
        case .bare:
            return isNegation(word, typedCount, words.count) ? nil : words + [word]
        case .single, .double, .escaped, .doubleEscaped: return nil
        }
    }

    /// Whether a text is no longer than somebody may type.
    package static func isShort(_ text: some Collection<UInt8>) -> Bool {
        text.count <= maximumByteCount
            && text.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) } <= maximumCodePointCount
    }

    /// Whether the first word is a `!` without any quoting.
    private static func isNegation(_ word: [UInt8], _ typedCount: Int, _ index: Int) -> Bool {
        index == 0 && typedCount == 1 && word == [UInt8(ascii: "!")]
    }

    // MARK: - The table

    private enum State: Int {
        case gap, bare, single, double, escaped, doubleEscaped

        /// Where one is after a byte of a word.
        var home: State {
            switch self {
            case .gap, .bare, .escaped: .bare
            case .single: .single
            case .double, .doubleEscaped: .double
            }
        }
    }

    private enum Step {
        case refuse
        /// It means nothing by itself.
        case skip
        case keep
        /// The backslash before it was one.
        case keepBoth
        /// Between words.
        case blank
        case go(State)
    }

    /// One letter a step; a row for each state, a column for each class.
    private static let steps: [Step] = [
        // NUL, other controls, CR, LF, blank, ' " \ $ `, operators, ~ #, plain
        "x x x x _ s d e x x x k",  // gap
        "x x x x _ s d e x x k k",  // bare
        "x k k k k b k k k k k k",  // single
        "x k k k k k b f x k k k",  // double
        "x k x x k k k k k k k k",  // escaped
        "x 2 2 - 2 2 k k k 2 2 2",  // doubleEscaped
    ].flatMap { row in row.utf8.filter { $0 != UInt8(ascii: " ") }.map(step) }

    private static func step(_ letter: UInt8) -> Step {
        switch letter {
        case UInt8(ascii: "k"): .keep
        case UInt8(ascii: "2"): .keepBoth
        case UInt8(ascii: "-"): .skip
        case UInt8(ascii: "_"): .blank
        case UInt8(ascii: "b"): .go(.bare)
        case UInt8(ascii: "s"): .go(.single)
        case UInt8(ascii: "d"): .go(.double)
        case UInt8(ascii: "e"): .go(.escaped)
        case UInt8(ascii: "f"): .go(.doubleEscaped)
        default: .refuse
        }
    }

    private static let classCount = 12

    /// The class of each byte: its column.
    private static let classes: [UInt8] = {
        var classes = [UInt8](repeating: 11, count: 256)
        for byte in 1..<0x20 { classes[byte] = 1 }
        classes[0x7F] = 1
        let columns: [(UInt8, String)] = [
            (0, "\0"), (2, "\r"), (3, "\n"), (4, " \t"), (5, "'"), (6, "\""), (7, "\\"),
            (8, "$`"), (9, "|&;<>(){}*?["), (10, "~#"),
        ]
        for (column, bytes) in columns { for byte in bytes.utf8 { classes[Int(byte)] = column } }
        return classes
    }()
}
