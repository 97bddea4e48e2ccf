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
    private var orders: [Order] = []
    private var columns: [String]?
    private var filters: [String: [String: JSONValue]] = [:]
    private var after: Token?

    /// - Throws: `WireError` 400 in upstream's words.
    init(_ uri: URI) throws {
        let parameters = QueryParameters(uri)
        limit = parameters["limit"].flatMap { Int($0) } ?? Self.pageLimit
        if limit <= 0 { limit = 5 }
        limit = min(limit, Self.pageLimit)
        if let text = parameters["order_by"] { orders = try Self.decode(text, "order_by") }
        if let text = parameters["select_cols"] {
            let names: [String] = try Self.decode(text, "select_cols")
            if !names.contains("*") { columns = names }
        }
        if let text = parameters["select_filters"] {
            filters = try Self.decode(text, "select_filters")
        }
        for order in orders where !Self.isStored(order.col) {
            throw WireError.badRequest("invalid_request", "Cannot order by \(order.col).")
        }
        for name in filters.keys where !Self.isStored(name) {
            throw WireError.badRequest("invalid_request", "Cannot filter by \(name).")
        }
        if let text = parameters["after_token"], !text.isEmpty {
            guard let token = Token(text) else {
                throw WireError.badRequest("invalid_token", "Invalid after_token.")
            }
            after = token
        }
    }

    /// The page that is asked for, of all rows that the caller may see.
    func page(of rows: [InstanceRow]) throws -> InstancePageReply {
        let found = try rows.filter(matches).sorted(by: isBefore)
        let start =
            after.map { token in
                // Rows may have gone since; the last one seen tells where to go on, if it is still there.
                found.firstIndex { $0["id"]?.number == Double(token.lastID) }.map { $0 + 1 }
                    ?? min(token.position, found.count)
            } ?? 0
        let page = Array(found[start...].prefix(limit))
        let end = start + page.count
        var token: Token?
        if end < found.count, let last = page.last?["id"]?.number {
            token = Token(position: end, lastID: Int64(last))
        }
        var labels: [String: Int] = [:]
        for row in rows { labels[row["label"]?.string ?? "", default: 0] += 1 }
        return InstancePageReply(
            totalInstances: rows.count, labelCounts: labels, instances: page.map(selected),
            nextToken: token?.text)
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

    private func isBefore(_ one: InstanceRow, _ other: InstanceRow) -> Bool {
        for order in orders + [Order(col: "id", dir: "asc")] {
            let (left, right) =
                order.dir == "desc"
                ? (other[order.col] ?? .null, one[order.col] ?? .null)
                : (one[order.col] ?? .null, other[order.col] ?? .null)
            if let left = left.number, let right = right.number, left != right {
                return left < right
            }
            let (leftText, rightText) = (left.string ?? "", right.string ?? "")
            if leftText != rightText { return leftText < rightText }
        }
        return false
    }

    /// Computed columns can be neither filtered nor ordered by, as upstream has it.
    private static func isStored(_ name: String) -> Bool {
        [
            "actual_status", "gpu_name", "verification", "id", "label", "machine_id", "host_id",
            "start_date", "intended_status", "cur_state", "next_state", "image_uuid", "status_msg",
        ].contains(name)
    }

    private static func decode<Value: Decodable>(_ text: String, _ name: String) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch {
            throw WireError.badRequest("invalid_request", "Invalid \(name).")
        }
    }

    private static let pageLimit = 25

    /// Where a page ended.
    private struct Token {
        var position: Int
        var lastID: Int64

        init(position: Int, lastID: Int64) {
            self.position = position
            self.lastID = lastID
        }

        init?(_ text: String) {
            let parts = text.split(separator: ".")
            guard parts.count == 2, let position = Int(parts[0]), position >= 0,
                let lastID = Int64(canonical: parts[1])
            else { return nil }
            self.init(position: position, lastID: lastID)
        }

        var text: String { "\(position).\(lastID)" }
    }
}
