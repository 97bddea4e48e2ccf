/// Reads a command's words byte by byte; the grammar is in `docs/command-grammar.md`.
///
/// A state of two parts, the word so far and where it began; a quote is read in one go.
struct CommandScanner {
    private let bytes: [UInt8]
    private var position = 0
    private var words: [ParsedCommand.Word] = []
    private var word: [UInt8] = []
    /// Where the word in progress began; nil between words, so that `''` is a word.
    private var wordStart: Int?

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func scan() throws(CommandError) -> [ParsedCommand.Word] {
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"):
                try endWord()
                position += 1
            case UInt8(ascii: "'"): try scanSingleQuoted()
            case UInt8(ascii: "\""): try scanDoubleQuoted()
            case UInt8(ascii: "\\"): try scanEscaped()
            default:
                if let refused = refusedConstruct() { throw refused.error(at: position) }
                append(byte)
                position += 1
            }
        }
        try endWord()
        guard !words.isEmpty else { throw ParsedCommand.missingCommand }
        return words
    }

    private mutating func append(_ byte: UInt8) {
        beginWord()
        word.append(byte)
    }

    private mutating func beginWord() {
        if wordStart == nil { wordStart = position }
    }

    private mutating func endWord() throws(CommandError) {
        guard let start = wordStart else { return }
        let byteCount = position - start
        if words.isEmpty, byteCount == 1, word == [UInt8(ascii: "!")] {
            throw RefusedConstruct.negation.error(at: start)
        }
        words.append(.init(text: word.text, offset: start, byteCount: byteCount))
        word.removeAll(keepingCapacity: true)
        wordStart = nil
    }

    /// `'…'`: every byte stands for itself.
    private mutating func scanSingleQuoted() throws(CommandError) {
        let start = position
        beginWord()
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            if byte == 0 { throw ParsedCommand.nulByte(offset: position) }
            position += 1
            if byte == UInt8(ascii: "'") { return }
            word.append(byte)
        }
        throw unbalanced("'", at: start)
    }

    /// `"…"`: a backslash quotes `$`, `` ` ``, `"`, `\` and a line feed (which goes away).
    private mutating func scanDoubleQuoted() throws(CommandError) {
        let start = position
        beginWord()
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case 0: throw ParsedCommand.nulByte(offset: position)
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "$"), UInt8(ascii: "`"):
                if let refused = refusedConstruct() { throw refused.error(at: position) }
            case UInt8(ascii: "\\"):
                switch byteAfter(1) {
                case UInt8(ascii: "\n"):
                    position += 2
                    continue
                case .some(let next) where Self.escapableInDoubleQuotes.contains(next):
                    word.append(next)
                    position += 2
                    continue
                default: break
                }
            default: break
            }
            word.append(byte)
            position += 1
        }
        throw unbalanced("\"", at: start)
    }

    /// `\x` outside quotes: the next byte stands for itself.
    private mutating func scanEscaped() throws(CommandError) {
        switch byteAfter(1) {
        case nil:
            throw CommandError(
                .trailingBackslash,
                "The backslash at the command's end quotes nothing; remove it or write it twice.",
                offset: position, token: "\\")
        case 0: throw ParsedCommand.nulByte(offset: position + 1)
        case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
            throw RefusedConstruct.newline([bytes[position + 1]]).error(at: position + 1)
        case .some(let next):
            append(next)
            position += 2
        }
    }

    private func byteAfter(_ count: Int) -> UInt8? {
        position + count < bytes.count ? bytes[position + count] : nil
    }

    private func unbalanced(_ quote: String, at offset: Int) -> CommandError {
        CommandError(
            .unbalancedQuote,
            "The quote \(quote) at byte \(offset) is never closed; close it or remove it.",
            offset: offset, token: quote)
    }

    private static let escapableInDoubleQuotes = Set("$`\"\\".utf8)

    /// What a shell would act on at the current position, if there is anything.
    private func refusedConstruct() -> RefusedConstruct? {
        RefusedConstruct(at: bytes[position...], startsWord: wordStart == nil)
    }
}
