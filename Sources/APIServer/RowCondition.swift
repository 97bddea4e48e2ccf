internal import VastAPI

/// How filters compare, in lists and in searches (contract 0.5, 3.2, 5).
enum RowCondition {
    /// Whether a column's value stands in that relation to the operand.
    ///
    /// - Throws: `WireError` 400 for an operator that is none.
    static func holds(_ value: JSONValue, _ operation: String, _ operand: JSONValue) throws
        -> Bool
    {
        switch operation {
        case "eq": return isEqual(value, operand)
        case "neq": return !isEqual(value, operand)
        case "in": return (operand.array ?? [operand]).contains { isEqual(value, $0) }
        case "notin": return !(operand.array ?? [operand]).contains { isEqual(value, $0) }
        case "gt", "gte", "lt", "lte":
            guard let one = value.number, let other = operand.number else { return false }
            switch operation {
            case "gt": return one > other
            case "gte": return one >= other
            case "lt": return one < other
            default: return one <= other
            }
        default:
            throw WireError.badRequest("invalid_request", "Unknown operator \(operation).")
        }
    }

    /// The place of an offer, `City, CC`, is also found by what stands behind its last comma, in either case: clients
    /// document codes of two letters (contract 5).
    ///
    /// - Throws: `WireError` 400 for an operator that is none.
    static func holds(place: JSONValue, _ operation: String, _ operand: JSONValue) throws -> Bool {
        guard let text = place.string?.lowercased() else {
            return try holds(place, operation, operand)
        }
        let country = text.split(separator: ",").last?.drop { $0 == " " } ?? ""
        let isAmong = (operand.array ?? [operand]).contains { operand in
            guard let wanted = operand.string?.lowercased() else { return false }
            return wanted == text || wanted == country
        }
        switch operation {
        case "eq", "in": return isAmong
        case "neq", "notin": return !isAmong
        default: return try holds(place, operation, operand)
        }
    }

    /// - Throws: `WireError` 400 for an operator that is none, whether there are rows or not.
    static func check(_ operation: String) throws { _ = try holds(.null, operation, .null) }

    /// Numbers that are spelled as strings are numbers (contract 0.5).
    private static func isEqual(_ value: JSONValue, _ operand: JSONValue) -> Bool {
        if value == operand { return true }
        if case .string = value { return false }
        if let one = value.number, let other = operand.number { return one == other }
        return false
    }
}
