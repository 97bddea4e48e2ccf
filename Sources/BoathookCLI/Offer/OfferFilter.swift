internal import ArgumentParser
internal import VastAPI

/// Comparisons such as `num_gpus>=1 gpu_name=RTX_4090 geolocation in [NO,SE]`, as upstream writes them, and the query that
/// the server takes.
struct OfferFilter: Sendable, Hashable {
    /// Filters by column.
    private(set) var query: [String: JSONValue]

    /// - Parameters:
    ///   - text: The comparisons, between blanks.
    ///   - hasDefaults: Whether to look at offers that can be had now alone, unless the text says otherwise.
    /// - Throws: `ValidationError` that names what is no comparison.
    init(_ text: String, hasDefaults: Bool = true) throws {
        query = hasDefaults ? Self.defaults : [:]
        var reader = Reader(rest: Array(text.unicodeScalars)[...])
        var found: [String: [String: JSONValue]] = [:]
        while let comparison = try reader.next() {
            let name = Self.aliases[comparison.name] ?? comparison.name
            query[name] = nil
            guard comparison.value != .string("any") else { continue }
            found[name, default: [:]][comparison.operation] = Self.value(comparison.value, of: name)
        }
        query.merge(found.mapValues { .object($0) }) { $1 }
    }

    /// Columns to sort by, such as `dph_total,num_gpus-`; a minus means from the highest down.
    static func order(_ text: String) throws -> JSONValue {
        let pairs = try text.split(separator: ",").map { part -> JSONValue in
            let word = part.filter { $0 != " " }
            let isDescending = word.first == "-" || word.last == "-"
            let name = word.drop { "+-".contains($0) }
            let column = String(name.last.map("+-".contains) == true ? name.dropLast() : name)
            guard !column.isEmpty, column.unicodeScalars.allSatisfy(Reader.isName) else {
                throw ValidationError(
                    "'\(part)' is no column to sort by, such as dph_total or num_gpus-")
            }
            return .array([
                .string(aliases[column] ?? column), .string(isDescending ? "desc" : "asc"),
            ])
        }
        return .array(pairs)
    }

    /// Numbers go out as they are written: the server reads them (contract 0.5).
    private static func value(_ value: JSONValue, of name: String) -> JSONValue {
        switch value {
        case .array(let values): return .array(values.map { self.value($0, of: name) })
        case .string(let text):
            if let factor = factors[name], let number = Double(text) {
                return .double(number * factor)
            }
            if name == "driver_version", let number = versionNumber(text) { return .int(number) }
            if name == "gpu_name" {
                return .string(String(text.map { $0 == "_" ? " " : $0 }))
            }
            switch text.lowercased() {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null", "none": return .null
            default: return value
            }
        default: return value
        }
    }

    /// `535.86.05` is 535086005.
    private static func versionNumber(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map {
            Int64($0)
        }
        guard parts.count == 3 else { return nil }
        return parts.reduce(0 as Int64?) { sum, part in
            guard let sum, let part, (0...999).contains(part) else { return nil }
            return sum * 1000 + part
        }
    }

    private static let defaults: [String: JSONValue] = [
        "verified": .object(["eq": .bool(true)]),
        "external": .object(["eq": .bool(false)]),
        "rentable": .object(["eq": .bool(true)]),
    ]

    private static let aliases = [
        "dph": "dph_total", "cuda_vers": "cuda_max_good", "dlperf_usd": "dlperf_per_dphtotal",
        "flops_usd": "flops_per_dphtotal", "display_active": "gpu_display_active",
    ]

    /// People write GB and days, the wire has MB and seconds.
    private static let factors = [
        "cpu_ram": 1000.0, "gpu_ram": 1000, "gpu_total_ram": 1000, "duration": 86_400,
    ]
}

extension OfferFilter {
    /// One comparison after the other.
    private struct Reader {
        struct Comparison {
            var name: String
            var operation: String
            var value: JSONValue
        }

        var rest: ArraySlice<Unicode.Scalar>

        /// Nil at the end.
        mutating func next() throws -> Comparison? {
            skipBlanks()
            guard !rest.isEmpty else { return nil }
            let name = take(while: Self.isName)
            guard !name.isEmpty else { throw failure("a column's name") }
            skipBlanks()
            let operation = try operation(after: name)
            skipBlanks()
            return Comparison(name: name, operation: operation, value: try value())
        }

        private mutating func operation(after name: String) throws -> String {
            let sign = take { "=!<>".unicodeScalars.contains($0) }
            if let operation = OfferFilter.operations[sign] { return operation }
            guard sign.isEmpty else { throw failure("one of = != < <= > >= after \(name)") }
            var word = take(while: Self.isName).lowercased()
            if word == "not" {
                skipBlanks()
                word += take(while: Self.isName).lowercased()
            }
            guard let operation = OfferFilter.operations[word] else {
                throw failure("one of = != < <= > >= in notin after \(name)")
            }
            return operation
        }

        private mutating func value() throws -> JSONValue {
            switch rest.first {
            case "[":
                rest.removeFirst()
                let list = take { $0 != "]" }
                guard rest.popFirst() != nil else { throw failure("a ] behind [\(list)") }
                return .array(
                    list.split(separator: ",").map { .string(Self.unquoted(String($0))) })
            case let quote? where quote == "\"" || quote == "'":
                rest.removeFirst()
                let text = take { $0 != quote }
                guard rest.popFirst() != nil else { throw failure("a \(quote) behind \(text)") }
                return .string(text)
            default:
                let text = take { $0 != " " }
                guard !text.isEmpty else { throw failure("a value") }
                return .string(text)
            }
        }

        private static func unquoted(_ text: String) -> String {
            let blanks = text.drop { $0 == " " }
            let word = blanks.reversed().drop { $0 == " " }.reversed()
            guard word.count >= 2, let quote = word.first, quote == word.last,
                quote == "\"" || quote == "'"
            else { return String(word) }
            return String(word.dropFirst().dropLast())
        }

        private mutating func skipBlanks() { _ = take { $0 == " " } }

        private mutating func take(while isTaken: (Unicode.Scalar) -> Bool) -> String {
            let taken = rest.prefix(while: isTaken)
            rest = rest.dropFirst(taken.count)
            return String(String.UnicodeScalarView(taken))
        }

        private func failure(_ wanted: String) -> ValidationError {
            let text = String(String.UnicodeScalarView(rest.prefix(40)))
            return ValidationError(
                "a filter is NAME=VALUE, such as 'num_gpus>=1 gpu_name=RTX_4090': expected \(wanted)"
                    + (text.isEmpty ? " at the end" : " at '\(text)'"))
        }

        static func isName(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_": true
            default: false
            }
        }
    }

    private static let operations = [
        "=": "eq", "==": "eq", "eq": "eq", "!=": "neq", "neq": "neq", "noteq": "neq", "<": "lt",
        "lt": "lt", "<=": "lte", "lte": "lte", ">": "gt", "gt": "gt", ">=": "gte", "gte": "gte",
        "in": "in", "notin": "notin", "nin": "notin",
    ]
}
