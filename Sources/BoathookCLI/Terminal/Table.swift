/// Rows under a head, in columns as wide as they need to be.
struct Table {
    private var rows: [[String]]

    init(head: [String]) {
        rows = [head]
    }

    mutating func add(_ row: [String]) {
        rows.append(row.map(Self.oneLine))
    }

    /// One line for each row.
    var lines: [String] { lines(fitting: nil) }

    /// One line for each row, none longer than that if it can be: the widest columns are cut first.
    func lines(fitting width: Int?) -> [String] {
        let widths = Self.fitted(widths, into: width)
        return rows.map { row in
            zip(row, widths).enumerated().reduce(into: "") { line, entry in
                let text = Self.cut(entry.element.0, to: entry.element.1)
                line += text
                guard entry.offset < row.count - 1 else { return }
                let gap = entry.element.1 - text.unicodeScalars.count + Self.gap
                line += String(repeating: " ", count: gap)
            }
        }
    }

    /// Writes it to standard output: on a terminal, each row on one line of it.
    func write() throws(ClientError) {
        for line in lines(fitting: StandardStreams.Stream.output.terminalWidth) {
            try StandardStreams.print(line)
        }
    }

    /// What each column needs.
    private var widths: [Int] {
        (rows.first ?? []).indices.map { column in
            rows.map { $0[column].unicodeScalars.count }.max() ?? 0
        }
    }

    private static func fitted(_ widths: [Int], into width: Int?) -> [Int] {
        guard let width else { return widths }
        var widths = widths
        var excess = widths.reduce(0, +) + gap * max(0, widths.count - 1) - width
        while excess > 0, let widest = widths.max(), widest > leastWidth,
            let column = widths.lastIndex(of: widest)
        {
            widths[column] -= 1
            excess -= 1
        }
        return widths
    }

    private static func cut(_ text: String, to width: Int) -> String {
        let scalars = text.unicodeScalars
        guard scalars.count > width else { return text }
        return String(String.UnicodeScalarView(scalars.prefix(max(0, width - 1)))) + "…"
    }

    private static func oneLine(_ text: String) -> String {
        let escaped = TerminalText.escaped(Array(text.utf8))
        return String(decoding: escaped.map { $0 == 0x0a || $0 == 0x09 ? 0x20 : $0 }, as: UTF8.self)
    }

    private static let gap = 2
    /// Columns that are no wider are not cut: ids and states must be whole.
    private static let leastWidth = 12
}
