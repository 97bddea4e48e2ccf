/// To which ids a route is open.
package struct IDConstraint: Sendable, Hashable {
    /// How an id is compared (contract 7.2).
    package enum Operator: String, Sendable, Hashable, CaseIterable {
        case eq, gte, lte
    }

    /// What an id is compared with.
    package enum Operand: Sendable, Hashable {
        case id(Int64)
        /// One that `key_params` gives when a key is made; until then nothing equals it.
        case parameter(String)
    }

    /// An id has to satisfy all of them.
    package var bounds: [Operator: Operand]

    package init(_ bounds: [Operator: Operand] = [:]) {
        self.bounds = bounds
    }

    /// The ids that satisfy it; nil when none does.
    package var range: ClosedRange<Int64>? {
        var lower = Int64.min
        var upper = Int64.max
        for (comparison, operand) in bounds {
            guard case .id(let id) = operand else { return nil }
            if comparison != .lte { lower = max(lower, id) }
            if comparison != .gte { upper = min(upper, id) }
        }
        return lower <= upper ? lower...upper : nil
    }

    /// Whether every id that satisfies the other satisfies this one.
    package func contains(_ other: IDConstraint) -> Bool {
        guard let inner = other.range else { return true }
        guard let range else { return false }
        return range.lowerBound <= inner.lowerBound && inner.upperBound <= range.upperBound
    }
}
