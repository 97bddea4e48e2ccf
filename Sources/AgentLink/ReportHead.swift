/// How a command's end goes before its output in one body: its byte count as a big-endian 32-bit number, and its JSON.
///
/// In a header it would meet those on the way who take none of that length.
package enum ReportHead {
    /// The most bytes that the JSON may have; with all that a ``Removal`` tells it has a fifth of that.
    package static let maximumByteCount = 1 << 17
    /// Of the byte count before it.
    package static let prefixByteCount = 4

    /// The head of a body.
    package static func bytes(of json: [UInt8]) -> [UInt8] {
        let count = UInt32(json.count)
        return stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: count >> $0) }
            + json
    }

    /// How many bytes of JSON follow; nil for more than there may be.
    package static func byteCount(of prefix: some Sequence<UInt8>) -> Int? {
        let count = prefix.reduce(0) { $0 << 8 | Int($1) }
        return count <= maximumByteCount ? count : nil
    }
}
