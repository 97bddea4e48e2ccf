/// One line on a terminal's standard error that is written anew as things go on; nothing at all elsewhere.
struct ProgressLine: ~Copyable {
    private var shown = ""
    private let width: Int?

    init() {
        width = StandardStreams.Stream.error.terminalWidth
    }

    /// For tests: what is written is returned by ``text(for:)``.
    init(width: Int?) {
        self.width = width
    }

    /// Shows this instead of what is shown.
    mutating func show(_ text: String) {
        guard let bytes = self.text(for: text) else { return }
        StandardStreams.writeProgress(bytes)
    }

    /// Takes the line away, for what comes next.
    mutating func clear() {
        guard !shown.isEmpty else { return }
        shown = ""
        StandardStreams.writeProgress("\r\u{1b}[K")
    }

    /// What is to be written to show this; nil when it is shown already, or nobody looks.
    mutating func text(for text: String) -> String? {
        guard let width else { return nil }
        let escaped = TerminalText.escaped(
            text.utf8.map { $0 == 0x0a || $0 == 0x09 ? 0x20 : $0 })
        // The last column would begin a new line.
        let line = String(
            String.UnicodeScalarView(
                String(decoding: escaped, as: UTF8.self).unicodeScalars.prefix(max(1, width - 1))))
        guard line != shown else { return nil }
        shown = line
        return "\r\u{1b}[K" + line
    }
}
