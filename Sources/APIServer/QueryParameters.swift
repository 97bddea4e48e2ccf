internal import FoundationEssentials
internal import HummingbirdCore

/// The parameters of a query as HTML forms and Python's clients write them: `+` is a blank.
struct QueryParameters {
    private let values: [String: String]

    /// The first value of a name counts; pieces that are no UTF-8 once decoded are left out.
    init(_ uri: URI) {
        var values: [String: String] = [:]
        for pair in (uri.query ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]),
                let value = Self.decoded(parts.count > 1 ? parts[1] : "")
            else { continue }
            if values[name] == nil { values[name] = value }
        }
        self.values = values
    }

    subscript(name: String) -> String? { values[name] }

    private static func decoded(_ text: Substring) -> String? {
        String(text.replacing("+", with: " ")).removingPercentEncoding
    }
}
