internal import VastAPI

/// A column's value as lists are ordered by it: null first, then false and true, numbers, texts, and lists and objects,
/// which are all alike.
///
/// A text that spells a number is a text: compared as a number with some and as a text with others, it would go round
/// in a circle (`10 < 1a < 9 < 10`).
enum RowKey: Comparable {
    case null
    case truth(Int)
    case number(Double)
    case text(String)
    case other

    init(_ value: JSONValue?) {
        self =
            switch value {
            case nil, .null?: .null
            case .bool(let value)?: .truth(value ? 1 : 0)
            case .int(let value)?: .number(Double(value))
            case .double(let value)?: .number(value)
            case .string(let value)?: .text(value)
            case .array?, .object?: .other
            }
    }
}

/// One column of an order, and its direction.
struct RowOrder: Hashable {
    var column: String
    var isDescending: Bool
}

/// What decides where a row stands: its values of the columns that are ordered by, and its id, of which each row has
/// another one.
struct RowPlace {
    var keys: [RowKey]
    var id: Int64

    /// The place of a row.
    init(of row: [String: JSONValue], by orders: [RowOrder]) {
        keys = orders.map { RowKey(row[$0.column]) }
        id = row["id"]?.number.flatMap { Int64(exactly: $0) } ?? 0
    }

    init(keys: [RowKey], id: Int64) {
        self.keys = keys
        self.id = id
    }

    /// Whether it comes before another one, by the same columns.
    func isBefore(_ other: RowPlace, by orders: [RowOrder]) -> Bool {
        for (order, (own, others)) in zip(orders, zip(keys, other.keys)) where own != others {
            return order.isDescending ? others < own : own < others
        }
        return id < other.id
    }
}

extension Sequence where Element == [String: JSONValue] {
    /// The rows in that order, those that are alike in it by ascending id.
    func sorted(by orders: [RowOrder]) -> [(row: Element, place: RowPlace)] {
        map { (row: $0, place: RowPlace(of: $0, by: orders)) }
            .sorted { $0.place.isBefore($1.place, by: orders) }
    }
}

extension [RowOrder] {
    /// Of a column that is named twice, the first says it all.
    func withoutRepetitions() -> [RowOrder] {
        var columns: Set<String> = []
        return filter { columns.insert($0.column).inserted }
    }
}
