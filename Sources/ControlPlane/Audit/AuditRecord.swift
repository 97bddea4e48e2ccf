internal import FoundationEssentials

/// An entry as the log keeps it: its number, its bytes, and its link of the chain.
package struct AuditRecord: Sendable, Hashable {
    /// 1 for the first one; there is no gap.
    package let sequence: Int64
    /// What ``AuditEntry/body()`` gave, if nobody changed it since.
    package let body: [UInt8]
    package let hash: AuditHash

    package init(sequence: Int64, body: [UInt8], hash: AuditHash) {
        self.sequence = sequence
        self.body = body
        self.hash = hash
    }

    /// The entry, read from the body at each call; nil when the body is none that this version knows.
    package var entry: AuditEntry? {
        try? JSONDecoder().decode(AuditEntry.self, from: Data(body))
    }

    /// Whether the body is at least a JSON object, of whatever version.
    var isJSONObject: Bool {
        (try? JSONDecoder().decode(JSONObject.self, from: Data(body))) != nil
    }

    private struct JSONObject: Decodable {
        private enum NoKeys: CodingKey {}

        init(from decoder: any Decoder) throws {
            _ = try decoder.container(keyedBy: NoKeys.self)
        }
    }
}

/// Where a log ends: the number of its last entry and the hash there.
///
/// Written down elsewhere, it is a witness of everything before it.
package struct AuditHead: Sendable, Hashable, CustomStringConvertible {
    package let sequence: Int64
    package let hash: AuditHash

    package init(sequence: Int64, hash: AuditHash) {
        self.sequence = sequence
        self.hash = hash
    }

    /// Of a log without entries.
    package static let start = AuditHead(sequence: 0, hash: .start)

    /// - Parameter text: `SEQUENCE:HASH`, as ``description`` writes it.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let sequence = Int64(parts[0]), sequence >= 0,
            let hash = AuditHash(hexadecimal: parts[1])
        else { return nil }
        self.init(sequence: sequence, hash: hash)
    }

    package var description: String { "\(sequence):\(hash)" }
}
