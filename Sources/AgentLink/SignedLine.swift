/// A line of the link: `SEQUENCE SIGNATURE MESSAGE`, with single blanks.
///
/// The message comes last and as it is: what was signed is what is decoded, byte for byte, and a person reads it
/// without a tool.
package struct SignedLine: Sendable, Hashable {
    /// How many lines of the attachment were before.
    package var sequence: UInt64
    /// Ed25519 (RFC 8032), over ``LinkStatement/line(_:at:of:)``.
    package var signature: [UInt8]
    /// The JSON of a ``ServerMessage``.
    package var message: [UInt8]

    package init(sequence: UInt64, signature: [UInt8], message: [UInt8]) {
        self.sequence = sequence
        self.signature = signature
        self.message = message
    }

    /// - Parameter line: Without the line feed; nil unless ``bytes`` writes it so.
    package init?(_ line: some Collection<UInt8>) {
        let blank = UInt8(ascii: " ")
        let words = line.split(separator: blank, maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 3, let sequence = Self.number(words[0]),
            let signature = Base64URL.bytes(words[1]),
            signature.count == Self.signatureByteCount
        else { return nil }
        self.init(sequence: sequence, signature: signature, message: Array(words[2]))
    }

    /// Without a line feed.
    package var bytes: [UInt8] {
        Array("\(sequence) \(Base64URL.string(signature)) ".utf8) + message
    }

    package static let signatureByteCount = 64

    /// Digits alone, and no zero before others: each number has one spelling.
    private static func number(_ digits: some Collection<UInt8>) -> UInt64? {
        guard let first = digits.first, first != UInt8(ascii: "0") || digits.count == 1 else {
            return nil
        }
        var number: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (tens, isLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, isLarger) = tens.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !isLarge, !isLarger else { return nil }
            number = sum
        }
        return number
    }
}
