/// Text that a terminal shows and does not obey, whatever the pieces in which it arrives.
///
/// Control bytes, bytes that are no UTF-8, and the characters that turn text around are written out
/// (`\x1b`, `\u{202e}`); line feeds and tabs stay.
struct TerminalText {
    /// The beginning of a character whose end has not come yet; at most three bytes.
    private var undecided: [UInt8] = []

    /// A whole text.
    static func escaped(_ bytes: [UInt8]) -> [UInt8] { escaped(bytes[...]) }

    /// The next piece, as far as its characters are whole.
    mutating func escaped(next piece: some Collection<UInt8>) -> [UInt8] {
        let bytes = undecided + piece
        let end = bytes.count - Self.undecidedCount(bytes)
        undecided = Array(bytes[end...])
        return Self.escaped(bytes[..<end])
    }

    /// What was kept back, when nothing comes any more.
    mutating func escapedRest() -> [UInt8] {
        defer { undecided = [] }
        return Self.escaped(undecided)
    }

    /// How many bytes at the end may be the beginning of a character.
    private static func undecidedCount(_ bytes: [UInt8]) -> Int {
        let isContinued: (UInt8) -> Bool = { $0 & 0b1100_0000 == 0b1000_0000 }
        // Such a beginning is never part of the character before it.
        guard let first = bytes.suffix(3).lastIndex(where: { !isContinued($0) }) else { return 0 }
        let count = bytes.count - first
        switch bytes[first] {
        case 0xc2...0xdf: return count < 2 ? count : 0
        case 0xe0...0xef: return count < 3 ? count : 0
        case 0xf0...0xf4: return count < 4 ? count : 0
        default: return 0
        }
    }

    private static func escaped(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var rest = bytes
        while !rest.isEmpty {
            guard let (scalar, count) = nextScalar(rest) else {
                result += Array("\\x\(hexadecimal(rest.removeFirst()))".utf8)
                continue
            }
            if isHarmless(scalar) {
                result += rest.prefix(count)
            } else if scalar.value < 0x80 {
                result += Array("\\x\(hexadecimal(UInt8(scalar.value)))".utf8)
            } else {
                result += Array("\\u{\(String(scalar.value, radix: 16))}".utf8)
            }
            rest = rest.dropFirst(count)
        }
        return result
    }

    private static func nextScalar(_ bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
        for count in 1...min(4, bytes.count) {
            guard let text = String(validating: bytes.prefix(count), as: UTF8.self),
                let scalar = text.unicodeScalars.first
            else { continue }
            return (scalar, count)
        }
        return nil
    }

    /// Whether a terminal may get it as it is.
    static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0a: true
        case 0x00..<0x20, 0x7f..<0xa0: false
        // Marks that set the direction of text, and line and paragraph separators.
        case 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069, 0x061c: false
        default: true
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
