/// A command's words, read by the grammar of `docs/command-grammar.md` and nothing else.
///
/// Quoting follows POSIX shell words; nothing is expanded, and every construct that a shell would
/// act on is refused by name. Two commands are equal when their bytes are.
package struct ParsedCommand: Sendable {
    /// One word, and where it came from.
    package struct Word: Sendable {
        /// The word without its quoting.
        package let text: String
        /// The UTF-8 offset of the word's first byte (a quote, if it starts with one) in
        /// ``ParsedCommand/text``.
        package let offset: Int
        /// How many UTF-8 bytes the word takes there, quoting included.
        package let byteCount: Int

        package init(text: String, offset: Int, byteCount: Int) {
            self.text = text
            self.offset = offset
            self.byteCount = byteCount
        }
    }

    /// The command as it was typed, or as ``words(_:)`` wrote it down.
    package let text: String
    /// The program and its arguments; at least one.
    package let words: [Word]

    /// The words' texts, for the program.
    package var argv: [String] { words.map(\.text) }

    /// The most Unicode scalars that a command may have (source: `maxLength` in
    /// docs/contract.md, section 1.1).
    package static let maximumScalarCount = 512
    /// The most UTF-8 bytes that a command may have: what 512 scalars can take at most.
    package static let maximumByteCount = 2048

    // Not `package`: every value has passed the grammar.
    private init(text: String, words: [Word]) {
        self.text = text
        self.words = words
    }

    /// Reads a command's words.
    ///
    /// `'…'`, `"…"` and `\x` quote as in a POSIX shell; spaces and tabs separate. Nothing is
    /// expanded. Touches no file, starts no process; linear in the text, and constant beyond
    /// ``maximumByteCount``.
    ///
    /// - Parameter text: The request's `command` field, at most ``maximumScalarCount`` Unicode
    ///   scalars and ``maximumByteCount`` bytes.
    /// - Returns: The words in the order typed.
    /// - Throws: ``CommandError`` with one of the grammar's codes. Its `offset` is the UTF-8
    ///   offset in `text` of the first offending byte.
    package static func parse(_ text: String) throws(CommandError) -> ParsedCommand {
        try checkLength(text)
        var scanner = CommandScanner(text)
        return ParsedCommand(text: text, words: try scanner.scan())
    }

    /// Takes a command from a caller that sends argv itself; no quoting is read.
    ///
    /// ``text`` becomes the words in shell quoting, which a POSIX shell reads back to the same words;
    /// offsets index it. The length limits hold for the words with one blank between each two: that
    /// is never longer than a text that was read to them, so whatever ``parse(_:)`` accepts, the
    /// machine that gets its words accepts too.
    ///
    /// - Parameter argv: The program and its arguments, any bytes but NUL.
    /// - Returns: The same words.
    /// - Throws: ``CommandError``: `missing_command`, `nul_byte` or `too_long`.
    package static func words(_ argv: [String]) throws(CommandError) -> ParsedCommand {
        guard !argv.isEmpty else { throw missingCommand }
        try checkLength(of: argv)
        let (text, words) = rendering(argv)
        if let offset = Array(text.utf8).firstIndex(of: 0) { throw nulByte(offset: offset) }
        return ParsedCommand(text: text, words: words)
    }

    /// The words in shell quoting, and where each is; ends soon after ``maximumQuotedByteCount``, as a
    /// caller may send megabytes.
    static func rendering(_ argv: [String]) -> (text: String, words: [Word]) {
        var text = ""
        var words: [Word] = []
        for word in argv where text.utf8.count <= maximumQuotedByteCount {
            if !words.isEmpty { text += " " }
            let offset = text.utf8.count
            // Quoting only adds, so a longer word cannot come within the limit.
            text += shellQuoted(word.prefix(byteCount: maximumByteCount + 1))
            words.append(Word(text: word, offset: offset, byteCount: text.utf8.count - offset))
        }
        return (text, words)
    }

    /// More than words within the limits can take: four bytes for each quote, and two quotes and a blank
    /// for each word.
    private static let maximumQuotedByteCount = 7 * maximumByteCount

    /// Writes a word so that ``parse(_:)``, and any POSIX shell, reads it back: as it is where
    /// that is safe, in single quotes else.
    package static func shellQuoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            byte.isASCIILetter || byte.isASCIIDigit || byte >= 0x80
                || plainPunctuation.contains(byte)
        }
        if isPlain && !word.utf8.isEmpty { return word }
        var quoted: [UInt8] = [0x27]
        for byte in word.utf8 {
            quoted += byte == 0x27 ? Array("'\\''".utf8) : [byte]
        }
        quoted.append(0x27)
        return quoted.text
    }

    private static let plainPunctuation = Set("_@%+=:,./-".utf8)
}

extension ParsedCommand {
    static let missingCommand = CommandError(
        .missingCommand, "The command is empty; send a program and its arguments, such as ls -l.")

    static func nulByte(offset: Int) -> CommandError {
        CommandError(
            .nulByte, "A zero byte cannot be part of a command; remove it.", offset: offset,
            token: "\0")
    }

    private static func tooLong(offset: Int?) -> CommandError {
        CommandError(
            .tooLong,
            """
            The command is longer than \(maximumScalarCount) Unicode code points or \
            \(maximumByteCount) bytes; split it into several commands.
            """,
            offset: offset)
    }

    /// Refuses a text beyond the limits; the offset is that of the first byte beyond.
    ///
    /// So many scalars take ``maximumByteCount`` bytes at most, so theirs is the first limit.
    private static func checkLength(_ text: String) throws(CommandError) {
        let scalars = text.unicodeScalars
        if let end = scalars.index(
            scalars.startIndex, offsetBy: maximumScalarCount, limitedBy: scalars.endIndex),
            end != scalars.endIndex
        {
            throw tooLong(offset: text.utf8.distance(from: text.startIndex, to: end))
        }
    }

    /// The same for words with one blank between each two; without a place, as nobody typed them.
    private static func checkLength(of argv: [String]) throws(CommandError) {
        var byteCount = argv.count - 1
        for word in argv where byteCount <= maximumByteCount { byteCount += word.utf8.count }
        guard byteCount <= maximumByteCount else { throw tooLong(offset: nil) }
        let scalarCount = argv.reduce(argv.count - 1) { $0 + $1.unicodeScalars.count }
        guard scalarCount <= maximumScalarCount else { throw tooLong(offset: nil) }
    }

    /// The place of a part of a word, for an error.
    ///
    /// A word typed without quoting can be cut; of a quoted one, the whole is to blame. `part` is
    /// byte offsets in `word.text`; nil, or an empty range, stands for the whole word.
    func site(of word: Word, part: Range<Int>? = nil) -> (token: String, offset: Int) {
        let typed = Array(text.utf8)[word.offset..<word.offset + word.byteCount]
        if let part, !part.isEmpty, typed.elementsEqual(word.text.utf8) {
            let offset = word.offset + part.lowerBound
            return (Array(typed.dropFirst(part.lowerBound).prefix(part.count)).text, offset)
        }
        return (Array(typed).text, word.offset)
    }
}

// `String` takes "é" and "é" for equal; Linux keeps two files. So equality is that of bytes.
extension ParsedCommand.Word: Hashable {
    package static func == (left: Self, right: Self) -> Bool {
        left.text.hasSameBytes(as: right.text) && left.offset == right.offset
            && left.byteCount == right.byteCount
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(Array(text.utf8))
        hasher.combine(offset)
    }
}

extension ParsedCommand: Hashable {
    package static func == (left: Self, right: Self) -> Bool {
        left.text.hasSameBytes(as: right.text) && left.words == right.words
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(Array(text.utf8))
    }
}
