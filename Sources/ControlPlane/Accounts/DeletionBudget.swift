/// How much a key may remove in one UTC day.
package struct DeletionBudget: Sendable, Hashable {
    /// Files and folders.
    package var entries: Int64
    /// Bytes of those files.
    package var bytes: Int64

    /// - Parameters:
    ///   - entries: Files and folders; any number unless given.
    ///   - bytes: Bytes; any number unless given.
    package init(entries: Int64 = .max, bytes: Int64 = .max) {
        self.entries = entries
        self.bytes = bytes
    }

    /// The day that a time is in, counted from 1 January 1970.
    package static func day(of time: Double) -> Int {
        Int((time / 86_400).rounded(.down))
    }
}

/// `{"entries": 1000, "bytes": 1073741824}`; what is not bounded is left out.
extension DeletionBudget: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case entries, bytes
    }

    package init(from decoder: any Decoder) throws {
        try decoder.allowKeys(CodingKeys.allCases.map(\.rawValue), "key of deletion_budget")
        let object = try decoder.container(keyedBy: CodingKeys.self)
        let entries = try object.decodeIfPresent(Int64.self, forKey: .entries)
        let bytes = try object.decodeIfPresent(Int64.self, forKey: .bytes)
        guard entries != nil || bytes != nil, entries ?? 0 >= 0, bytes ?? 0 >= 0 else {
            throw InvalidPermissions(
                "deletion_budget has entries, bytes or both, as whole numbers from 0 on.")
        }
        self.init(entries: entries ?? .max, bytes: bytes ?? .max)
    }

    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        if entries != .max { try object.encode(entries, forKey: .entries) }
        if bytes != .max { try object.encode(bytes, forKey: .bytes) }
    }
}

extension Decoder {
    /// - Throws: ``InvalidPermissions`` for a key that is none of these, or is null: a bound that is written and says
    ///   nothing would be none.
    func allowKeys(_ known: [String], _ what: String) throws {
        let object = try container(keyedBy: ObjectKey.self)
        for key in object.allKeys {
            guard known.contains(key.stringValue) else {
                throw InvalidPermissions.unknown(what, key, known)
            }
            guard try !object.decodeNil(forKey: key) else {
                throw InvalidPermissions(
                    "\(key.stringValue) is null; what is not bounded is left out.")
            }
        }
    }
}
