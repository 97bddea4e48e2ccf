internal import FoundationEssentials
internal import HummingbirdCore
internal import VastAPI

/// What the query of `GET /api/v1/instances/` asks for: JSON in its parameters (contract 3.2).
struct InstanceQuery {
    private struct Order: Decodable {
        var col: String
        var dir: String?
    }

    private var limit: Int
    private var orders: [RowOrder] = []
    private var columns: [String]?
    private var filters: [String: [String: JSONValue]] = [:]
    private var after: RowPlace?

    /// - Throws: `WireError` 400 in upstream's words.
    init(_ uri: URI) throws {
        let parameters = QueryParameters(uri)
        limit = parameters["limit"].flatMap { Int($0) } ?? Self.pageLimit
        if limit <= 0 { limit = 5 }
        limit = min(limit, Self.pageLimit)
        if let text = parameters["order_by"] {
            let wanted: [Order] = try Self.decode(text, "order_by")
            orders = wanted.map { RowOrder(column: $0.col, isDescending: $0.dir == "desc") }
                .withoutRepetitions()
        }
        if let text = parameters["select_cols"] {
            let names: [String] = try Self.decode(text, "select_cols")
            if !names.contains("*") { columns = names }
        }
        if let text = parameters["select_filters"] {
            filters = try Self.decode(text, "select_filters")
        }
        for order in orders where !Self.isStored(order.column) {
            throw WireError.badRequest("invalid_request", "Cannot order by \(order.column).")
        }
        for (name, conditions) in filters {
            guard Self.isStored(name) else {
                throw WireError.badRequest("invalid_request", "Cannot filter by \(name).")
            }
            try conditions.keys.forEach(RowCondition.check)
        }
        if let text = parameters["after_token"], !text.isEmpty {
            guard let place = PageToken.place(text, by: orders) else {
                throw WireError.badRequest("invalid_token", "Invalid after_token.")
            }
            after = place
        }
    }

    /// The page that is asked for, of all rows that the caller may see.
    func page(of rows: [InstanceRow]) throws -> InstancePageReply {
        let found = try rows.filter(matches).sorted(by: orders)
        let rest = found.drop { row in
            after.map { !$0.isBefore(row.place, by: orders) } ?? false
        }
        let page = rest.prefix(limit)
        let last = page.count < rest.count ? page.last?.place : nil
        var labels: [String: Int] = [:]
        for row in rows { labels[row["label"]?.string ?? "", default: 0] += 1 }
        return InstancePageReply(
            totalInstances: rows.count, labelCounts: labels,
            instances: page.map { selected($0.row) },
            nextToken: try last.map { try PageToken.text(of: $0, by: orders) })
    }

    private func selected(_ row: InstanceRow) -> InstanceRow {
        guard let columns else { return row }
        return Dictionary(columns.map { ($0, row[$0] ?? .null) }) { first, _ in first }
    }

    private func matches(_ row: InstanceRow) throws -> Bool {
        for (name, conditions) in filters {
            for (operation, operand) in conditions {
                guard try RowCondition.holds(row[name] ?? .null, operation, operand) else {
                    return false
                }
            }
        }
        return true
    }

    /// Computed columns can be neither filtered nor ordered by, as upstream has it.
    private static func isStored(_ name: String) -> Bool {
        [
            "actual_status", "gpu_name", "verification", "id", "label", "machine_id", "host_id",
            "start_date", "intended_status", "cur_state", "next_state", "image_uuid", "status_msg",
        ].contains(name)
    }

    static func decode<Value: Decodable>(_ text: String, _ name: String) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch {
            throw WireError.badRequest("invalid_request", "Invalid \(name).")
        }
    }

    private static let pageLimit = 25
}
