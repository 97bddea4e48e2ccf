internal import FoundationEssentials
internal import VastAPI

/// A moment as a person reads it: RFC 3339 in whole seconds, UTC.
enum MomentText {
    static func of(_ seconds: Double) -> String {
        Date(timeIntervalSince1970: seconds.rounded(.down)).formatted(.iso8601)
    }
}

/// Columns of open rows as a person reads them.
extension [String: JSONValue] {
    func text(_ name: String) -> String {
        switch self[name] ?? .null {
        case .string(let text): text.isEmpty ? "-" : text
        case .int(let number): "\(number)"
        case .double(let number): Self.text(number, places: 3)
        case .bool(let value): value ? "yes" : "no"
        default: "-"
        }
    }

    /// A number in another unit.
    func rounded(_ name: String, per unit: Double = 1, places: Int = 1) -> String {
        guard let number = self[name]?.number else { return "-" }
        return Self.text(number / unit, places: places)
    }

    /// Without the zeros at its end.
    private static func text(_ number: Double, places: Int) -> String {
        let factor = (0..<places).reduce(1.0) { factor, _ in factor * 10 }
        let rounded = (number * factor).rounded() / factor
        guard rounded.isFinite, rounded.magnitude < 9e15 else { return "\(number)" }
        return rounded == rounded.rounded() ? "\(Int64(rounded))" : "\(rounded)"
    }
}
