internal import FoundationEssentials

/// Where a page of rows ended, as an opaque text: the order, and the last row's place in it.
///
/// The next page begins with the first row that comes after that place, whatever became of the row itself: a number of
/// rows to pass over would leave out as many as went meanwhile.
enum PageToken {
    /// - Parameters:
    ///   - place: The last row's.
    ///   - orders: By which it is so.
    /// - Returns: The token.
    /// - Throws: An encoder's error; there is none for texts.
    static func text(of place: RowPlace, by orders: [RowOrder]) throws -> String {
        var words: [String] = []
        for (order, key) in zip(orders, place.keys) {
            words += [order.column, order.isDescending ? "desc" : "asc", key.word]
        }
        let data = try JSONEncoder().encode(words + [String(place.id)])
        return String(
            data.base64EncodedString().compactMap {
                switch $0 {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: $0
                }
            })
    }

    /// Reads a token of a list that is ordered so.
    ///
    /// - Returns: The place; nil for what is no token, or one of another order.
    static func place(_ text: String, by orders: [RowOrder]) -> RowPlace? {
        let base64 = String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        guard
            let data = Data(
                base64Encoded: base64
                    + String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)),
            let words = try? JSONDecoder().decode([String].self, from: data),
            words.count == orders.count * 3 + 1, let id = Int64(canonical: words[words.count - 1])
        else { return nil }
        var keys: [RowKey] = []
        for (index, order) in orders.enumerated() {
            let (column, direction, word) = (
                words[index * 3], words[index * 3 + 1], words[index * 3 + 2]
            )
            guard column == order.column, direction == (order.isDescending ? "desc" : "asc"),
                let key = RowKey(word: word)
            else { return nil }
            keys.append(key)
        }
        let place = RowPlace(keys: keys, id: id)
        // One place, one spelling.
        guard (try? Self.text(of: place, by: orders)) == text else { return nil }
        return place
    }
}

extension RowKey {
    /// The value in one text: what it is, and its digits or words.
    fileprivate var word: String {
        switch self {
        case .null: "0"
        case .truth(let value): "b\(value)"
        case .number(let value): "n\(value)"
        case .text(let value): "t\(value)"
        case .other: "o"
        }
    }

    fileprivate init?(word: String) {
        let rest = word.dropFirst()
        switch (word.first, rest) {
        case ("0", ""): self = .null
        case ("b", "0"): self = .truth(0)
        case ("b", "1"): self = .truth(1)
        case ("n", _):
            guard let value = Double(rest), value.isFinite else { return nil }
            self = .number(value)
        case ("t", _): self = .text(String(rest))
        case ("o", ""): self = .other
        default: return nil
        }
    }
}
