internal import AgentLink
internal import Crypto

/// One link: SHA-256 over the link before it, the entry's number and the entry's body.
package struct AuditHash: Sendable, Hashable, CustomStringConvertible {
    package let bytes: [UInt8]

    /// A hash as the store kept it.
    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// What stands before the first entry: 32 zero bytes.
    package static let start = AuditHash(bytes: Array(repeating: 0, count: byteCount))

    /// The link that `body` makes as entry `sequence` after `previous`.
    ///
    /// Both parts before the body have a fixed length, so that no two logs are the same bytes.
    package init(after previous: AuditHash, sequence: Int64, body: some Sequence<UInt8>) {
        var hash = SHA256()
        hash.update(data: previous.bytes)
        hash.update(data: withUnsafeBytes(of: sequence.bigEndian) { Array($0) })
        hash.update(data: Array(body))
        bytes = Array(hash.finalize())
    }

    /// - Parameter text: 64 hexadecimal digits.
    package init?(hexadecimal text: some StringProtocol) {
        let digits = text.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 2 * Self.byteCount else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        self.bytes = bytes
    }

    package var description: String { Hex.string(bytes) }

    private static let byteCount = 32
}

/// Why a log is not what was written.
package enum AuditBreak: Error, Sendable, Hashable, CustomStringConvertible {
    /// An entry is missing, or stands where it should not.
    case gap(expected: Int64, found: Int64)
    /// The entry, or what was before it, is not what was hashed.
    case hashDiffers(Int64)
    /// The chain holds, but what it holds is no entry.
    case bodyIsNoJSON(Int64)
    /// The log ends before the head that was written down.
    case cutOff(end: Int64, head: Int64)
    /// Up to the head that was written down, the log is another one.
    case headDiffers(Int64)

    /// The first entry that is not as it was.
    package var sequence: Int64 {
        switch self {
        case .gap(let expected, _): expected
        case .hashDiffers(let sequence), .bodyIsNoJSON(let sequence), .headDiffers(let sequence):
            sequence
        case .cutOff(let end, _): end + 1
        }
    }

    package var description: String {
        switch self {
        case .gap(let expected, let found):
            "entry \(expected) is missing: \(found) stands in its place"
        case .hashDiffers(let sequence):
            "entry \(sequence): its hash is not that of its text after the entry before it"
        case .bodyIsNoJSON(let sequence): "entry \(sequence): its text is no JSON object"
        case .cutOff(let end, let head):
            "the log ends with entry \(end), and entry \(head) was written down as its head"
        case .headDiffers(let sequence):
            "entry \(sequence): its hash is not the head that was written down; it, or an entry before it, was rewritten"
        }
    }
}

/// Follows a chain entry by entry; a pure value that needs the same memory for any log.
package struct AuditWalk: Sendable {
    /// Up to where the log is intact.
    package private(set) var head = AuditHead.start
    private let witness: AuditHead?

    /// - Parameter witness: A head that was written down before, if there is one.
    package init(witness: AuditHead? = nil) {
        self.witness = witness
    }

    /// Takes the next record.
    package mutating func take(_ record: AuditRecord) throws(AuditBreak) {
        try compare()
        let expected = head.sequence + 1
        guard record.sequence == expected else {
            throw .gap(expected: expected, found: record.sequence)
        }
        let hash = AuditHash(after: head.hash, sequence: record.sequence, body: record.body)
        guard hash == record.hash else { throw .hashDiffers(record.sequence) }
        guard record.isJSONObject else { throw .bodyIsNoJSON(record.sequence) }
        head = AuditHead(sequence: record.sequence, hash: hash)
    }

    /// There are no more records.
    ///
    /// - Returns: The log's head.
    /// - Throws: ``AuditBreak`` when the log is shorter than, or another one than, the witness saw.
    package func end() throws(AuditBreak) -> AuditHead {
        try compare()
        if let witness, witness.sequence > head.sequence {
            throw .cutOff(end: head.sequence, head: witness.sequence)
        }
        return head
    }

    /// Holds what was walked against the witness, where the two meet.
    private func compare() throws(AuditBreak) {
        guard let witness, witness.sequence == head.sequence, witness != head else { return }
        throw .headDiffers(witness.sequence)
    }
}
