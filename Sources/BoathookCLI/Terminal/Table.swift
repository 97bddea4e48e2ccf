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
    var lines: [String] {
        let widths = (rows.first ?? []).indices.map { column in
            rows.map { $0[column].unicodeScalars.count }.max() ?? 0
        }
        return rows.map { row in
            zip(row, widths).enumerated().reduce(into: "") { line, entry in
                let (text, width) = entry.element
                line += text
                guard entry.offset < row.count - 1 else { return }
                line += String(repeating: " ", count: width - text.unicodeScalars.count + 2)
            }
        }
    }

    private static func oneLine(_ text: String) -> String {
        let escaped = TerminalText.escaped(Array(text.utf8))
        return String(decoding: escaped.map { $0 == 0x0a || $0 == 0x09 ? 0x20 : $0 }, as: UTF8.self)
    }
}
