internal import FoundationEssentials
internal import VastAPI

/// A search for offers: filters by column, and upstream's words of control between them (contract 5).
struct OfferQuery {
    private var filters: [(name: String, operation: String, operand: JSONValue)] = []
    private var orders: [RowOrder] = []
    private var limit: Int?
    private var wantsBids = false

    /// - Throws: `WireError` 400 in upstream's words for what is no query.
    init(_ query: [String: JSONValue]) throws {
        for (name, value) in query.sorted(by: { $0.key < $1.key }) {
            switch name {
            case "order": orders = try Self.orders(value)
            case "limit":
                guard value != .null else { continue }
                guard let number = value.number, number >= 0, number == number.rounded() else {
                    throw WireError.badRequest("invalid_request", "limit is a whole number.")
                }
                limit = Int(min(number, 1e6))
            case "type":
                // Nobody bids here: an offer has one price.
                wantsBids = value.string == "bid" || value.string == "interruptible"
            // `allocated_storage` changes the price of storage, which is nothing here.
            case "allocated_storage", "disable_bundling", "select_cols", "resource_type", "q",
                "api_key", "client_id",
                "owner", "page", "timezone", "extra_filters", "use_bundling", "cluster",
                // Of the SDK's `SyncClient.search`.
                "target_reliability", "extra_ids", "gpu_option", "show_incompatible",
                "sort_option", "template_id":
                continue
            default:
                guard value != .null else { continue }
                // Before any row is looked at: what a query means does not depend on what there is.
                guard OfferRows.columns.contains(Self.columns[name] ?? name) else {
                    throw WireError.badRequest("invalid_request", "Offers have no \(name).")
                }
                guard let conditions = value.object else {
                    filters.append((name, "eq", value))
                    continue
                }
                for (operation, operand) in conditions.sorted(by: { $0.key < $1.key }) {
                    filters.append((name, operation, operand))
                }
            }
        }
        try filters.map(\.operation).forEach(RowCondition.check)
        for order in orders where !OfferRows.columns.contains(order.column) {
            throw WireError.badRequest("invalid_request", "Cannot order by \(order.column).")
        }
    }

    /// The rows that are asked for, in their order.
    func found(in rows: [[String: JSONValue]]) throws -> [[String: JSONValue]] {
        guard !wantsBids else { return [] }
        let found = try rows.filter(matches).sorted(by: orders).map(\.row)
        return limit.map { Array(found.prefix($0)) } ?? found
    }

    private func matches(_ row: [String: JSONValue]) throws -> Bool {
        for (name, operation, operand) in filters {
            let value = row[Self.column(name, for: operand)] ?? .null
            if value == .null, Self.isUnknownAllowed(operation, operand) { continue }
            let plain = name == "gpu_name" ? Self.spaced(operand) : operand
            let holds =
                try name == "geolocation"
                ? RowCondition.holds(place: value, operation, plain)
                : RowCondition.holds(value, operation, plain)
            guard holds else { return false }
        }
        return true
    }

    /// The command line sends versions of drivers as numbers, which have a column of their own (contract 0.5).
    private static func column(_ name: String, for operand: JSONValue) -> String {
        if name == "driver_version", case .int = operand { return "driver_vers" }
        return columns[name] ?? name
    }

    /// What is not known is neither equal to something nor more or less than it; null itself is.
    private static func isUnknownAllowed(_ operation: String, _ operand: JSONValue) -> Bool {
        (operation == "eq" && operand == .null) || operation == "neq" || operation == "notin"
    }

    /// The command line writes `RTX 4090`, the examples of the API `RTX_4090`.
    private static func spaced(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let name): .string(String(name.map { $0 == "_" ? " " : $0 }))
        case .array(let names): .array(names.map(spaced))
        default: value
        }
    }

    /// `[["dph_total", "asc"], …]`; one pair by itself is taken too.
    private static func orders(_ value: JSONValue) throws -> [RowOrder] {
        guard value != .null else { return [] }
        guard var pairs = value.array else {
            throw WireError.badRequest("invalid_request", "order is a list of [column, direction].")
        }
        if pairs.first?.string != nil { pairs = [value] }
        return try pairs.map { pair in
            guard let words = pair.array, let column = words.first?.string else {
                throw WireError.badRequest(
                    "invalid_request", "order is a list of [column, direction].")
            }
            return RowOrder(
                column: columns[column] ?? column,
                isDescending: words.dropFirst().first?.string == "desc")
        }.withoutRepetitions()
    }

    /// Other names of columns, for callers that do not rewrite them as the command line does.
    private static let columns = [
        "dph": "dph_total", "cuda_vers": "cuda_max_good", "reliability": "reliability",
        "dlperf_usd": "dlperf_per_dphtotal", "flops_usd": "flops_per_dphtotal",
        "display_active": "gpu_display_active", "cpu_cores_effective": "cpu_cores_effective",
    ]
}
