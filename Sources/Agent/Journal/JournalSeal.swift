/// A line's last member, `"seal"`: a digest of the bytes before it.
///
/// A flipped bit in a number makes another number: without it, a damaged line could stand for a command that was
/// never meant, and the one that ran would be unknown. Against damage, not against people.
enum JournalSeal {
    /// An object's JSON with its seal.
    static func seal(_ object: [UInt8]) -> [UInt8] {
        let body = object.dropLast()
        return body + Array(member(for: body).utf8)
    }

    /// Whether a line ends in the seal of what stands before it.
    static func isWhole(_ line: ArraySlice<UInt8>) -> Bool {
        let body = line.dropLast(byteCount)
        return line.suffix(byteCount).elementsEqual(member(for: body).utf8)
    }

    /// The member, and the object's end.
    private static func member(for body: ArraySlice<UInt8>) -> String {
        let digits = String(digest(body), radix: 16)
        return ",\"seal\":\"" + String(repeating: "0", count: 16 - digits.utf8.count) + digits
            + "\"}"
    }

    /// FNV-1a in 64 bits: no change of a single byte leaves it as it was.
    private static func digest(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    private static let byteCount = member(for: []).utf8.count
}
