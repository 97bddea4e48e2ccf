/// What is to be told of one thing: names, and beside each its value.
///
/// Nothing is cut: on a terminal, a value that is longer than its line goes on under its beginning.
struct Sheet {
    private var rows: [(name: String, value: String)] = []

    mutating func add(_ name: String, _ value: String) {
        rows.append((name, OneLine.of(value)))
    }

    /// At least one line for each row, none longer than that if it can be.
    func lines(fitting width: Int?) -> [String] {
        let indent = (rows.map { OneLine.width(of: $0.name) }.max() ?? 0) + Self.gap
        return rows.flatMap { name, value in
            let parts =
                width.map { OneLine.wrapped(value, width: max(Self.leastWidth, $0 - indent)) }
                ?? [value]
            return parts.enumerated().map { number, part in
                let beginning = number == 0 ? name : ""
                let gap = indent - OneLine.width(of: beginning)
                return beginning + String(repeating: " ", count: gap) + part
            }
        }
    }

    /// Writes it to standard output.
    func write() throws(ClientError) {
        for line in lines(fitting: StandardStreams.Stream.output.terminalWidth) {
            try StandardStreams.print(line)
        }
    }

    private static let gap = 2
    /// No value is broken into pieces that are shorter.
    private static let leastWidth = 8
}
