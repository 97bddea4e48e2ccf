/// Any JSON value; what the wire carries where upstream's own shapes are open: filters, rows with
/// selected columns, extra keys.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}

extension JSONValue: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension JSONValue {
    /// The number that this value is or spells; upstream's clients send numbers in filters as
    /// strings (contract 0.5), so both are read.
    package var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        case .string(let text): Double(text)
        default: nil
        }
    }

    /// The string that this value is, or nil.
    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The members that this value holds when it is an object, or nil.
    package var object: [String: JSONValue]? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The elements that this value holds when it is an array, or nil.
    package var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// A string as a value, or null for nil.
    package static func optional(_ value: String?) -> JSONValue {
        value.map { .string($0) } ?? .null
    }

    /// An integer as a value, or null for nil.
    package static func optional(_ value: (some BinaryInteger)?) -> JSONValue {
        value.map { .int(Int64($0)) } ?? .null
    }

    /// A fraction as a value, or null for nil.
    package static func optional(_ value: Double?) -> JSONValue {
        value.map { .double($0) } ?? .null
    }
}
