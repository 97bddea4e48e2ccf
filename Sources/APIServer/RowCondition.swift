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

    /// Numbers that are spelled as strings are numbers (contract 0.5).
    private static func isEqual(_ value: JSONValue, _ operand: JSONValue) -> Bool {
        if value == operand { return true }
        if case .string = value { return false }
        if let one = value.number, let other = operand.number { return one == other }
        return false
    }
}
