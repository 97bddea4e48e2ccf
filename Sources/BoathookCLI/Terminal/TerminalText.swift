/// Text that a terminal shows and does not obey.
enum TerminalText {
    /// Control bytes, bytes that are no UTF-8, and the characters that turn text around are written out
    /// (`\x1b`, `\u{202e}`); line feeds and tabs stay.
    static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var rest = bytes[...]
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

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
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
