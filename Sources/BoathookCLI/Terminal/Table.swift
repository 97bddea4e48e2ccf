/// Rows under a head, in columns as wide as they need to be.
struct Table {
    private var rows: [[String]]
    /// The columns that are left out first where there is no room for all, the first one first.
    private let spares: [Int]

    /// - Parameters:
    ///   - head: The names of the columns; the first one says what a row is of.
    ///   - spares: Those that are left out first on a narrow terminal, in this order; the others follow, from the right.
    init(head: [String], spares: [String] = []) {
        rows = [head]
        let named = spares.compactMap { head.firstIndex(of: $0) }
        let others = head.indices.reversed().filter { column in
            column != 0 && !Self.kept.contains(head[column]) && !named.contains(column)
        }
        self.spares = named + others
    }

    mutating func add(_ row: [String]) {
        rows.append(row.map(OneLine.of))
    }

    /// One line for each row.
    var lines: [String] { lines(fitting: nil) }

    /// One line for each row, none longer than that: the widest columns are cut first, and then those left out that
    /// can be spared.
    func lines(fitting width: Int?) -> [String] {
        var columns = Array(rows[0].indices)
        var spares = spares[...]
        while !Self.fits(widths(of: columns, fitting: width), width), let spare = spares.popFirst()
        {
            columns.removeAll { $0 == spare }
        }
        let widths = widths(of: columns, fitting: width)
        return rows.map { row in
            zip(columns, widths).enumerated().reduce(into: "") { line, entry in
                let text = OneLine.cut(row[entry.element.0], to: entry.element.1)
                line += text
                guard entry.offset < columns.count - 1 else { return }
                let gap = entry.element.1 - OneLine.width(of: text) + Self.gap
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

    /// What each column gets: what it needs, or less where that is too much.
    private func widths(of columns: [Int], fitting width: Int?) -> [Int] {
        var widths = columns.map { column in
            rows.map { OneLine.width(of: $0[column]) }.max() ?? 0
        }
        while !Self.fits(widths, width), let widest = widths.max(), widest > Self.leastWidth,
            let column = widths.lastIndex(of: widest)
        {
            widths[column] -= 1
        }
        return widths
    }

    private static func fits(_ widths: [Int], _ width: Int?) -> Bool {
        guard let width else { return true }
        return widths.reduce(0, +) + gap * max(0, widths.count - 1) <= width
    }

    private static let gap = 2
    /// Columns that are no wider are not cut: ids, states and numbers must be whole.
    private static let leastWidth = 12
    /// Columns that stay however narrow the terminal is, beside the first one.
    private static let kept: Set<String> = ["STATUS", "STATE"]
}
