/// Tells JSON that means one thing from JSON that does not.
///
/// `JSONDecoder` takes trailing commas, guesses UTF-16, and lets the first of two equal keys win where
/// other readers take the last (security.md, X13). What a proxy, a log and the server might read
/// differently is refused before it is decoded. Linear in the bytes; no recursion.
package struct StrictJSON {
    /// Nesting over this is refused.
    package static let maximumDepth = 64

    /// Whether the bytes are one JSON text by RFC 8259: UTF-8, nothing after it, no key twice in one
    /// object.
    package static func isUnambiguous(_ bytes: some Sequence<UInt8>) -> Bool {
        let bytes = Array(bytes)
        guard String(validating: bytes, as: UTF8.self) != nil else { return false }
        var scanner = StrictJSON(bytes: bytes)
        return scanner.scanText()
    }

    /// An open array or object.
    private enum Frame {
        case array, object
    }

    private let bytes: [UInt8]
    private var index = 0
    private var frames: [Frame] = []
    /// The keys that each open object has so far; apart from the frames, so that none is ever copied.
    private var keys: [Set<String>] = []

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func scanText() -> Bool {
        repeat {
            guard scanValueStart() else { return false }
            guard closeFrames() else { return false }
        } while !frames.isEmpty
        skipBlanks()
        return index == bytes.count
    }

    /// A whole scalar, or the opening of an array or object up to its first value.
    private mutating func scanValueStart() -> Bool {
        while true {
            skipBlanks()
            switch next {
            case UInt8(ascii: "["):
                index += 1
                guard open(.array) else { return false }
                skipBlanks()
                if next == UInt8(ascii: "]") { return true }
            case UInt8(ascii: "{"):
                index += 1
                guard open(.object) else { return false }
                skipBlanks()
                if next == UInt8(ascii: "}") { return true }
                guard scanKey() else { return false }
            case UInt8(ascii: "\""): return scanString() != nil
            case UInt8(ascii: "t"): return scan("true")
            case UInt8(ascii: "f"): return scan("false")
            case UInt8(ascii: "n"): return scan("null")
            default: return scanNumber()
            }
        }
    }

    /// What follows a value: ends of arrays and objects, or the way to the next value.
    private mutating func closeFrames() -> Bool {
        while let frame = frames.last {
            skipBlanks()
            switch (frame, next) {
            case (.array, UInt8(ascii: "]")), (.object, UInt8(ascii: "}")):
                index += 1
                frames.removeLast()
                if frame == .object { keys.removeLast() }
            case (.array, UInt8(ascii: ",")):
                index += 1
                return true
            case (.object, UInt8(ascii: ",")):
                index += 1
                return scanKey()
            default:
                return false
            }
        }
        return true
    }

    private mutating func open(_ frame: Frame) -> Bool {
        frames.append(frame)
        if frame == .object { keys.append([]) }
        return frames.count <= Self.maximumDepth
    }

    /// A key that is new in its object, and the colon.
    private mutating func scanKey() -> Bool {
        skipBlanks()
        guard let key = scanString().flatMap(Self.decoded),
            // As a text: two that are canonically equivalent are one key to whoever decodes them.
            keys[keys.count - 1].insert(key).inserted
        else { return false }
        skipBlanks()
        guard next == UInt8(ascii: ":") else { return false }
        index += 1
        return true
    }

    /// The bytes between the quotes; nil when it is no string.
    private mutating func scanString() -> [UInt8]? {
        guard next == UInt8(ascii: "\"") else { return nil }
        index += 1
        let start = index
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                defer { index += 1 }
                return Array(bytes[start..<index])
            case UInt8(ascii: "\\"):
                index += 1
                guard scanEscape() else { return nil }
            case 0x00..<0x20:
                return nil
            default:
                index += 1
            }
        }
        return nil
    }

    private mutating func scanEscape() -> Bool {
        guard let byte = next else { return false }
        index += 1
        guard byte == UInt8(ascii: "u") else { return "\"\\/bfnrt".utf8.contains(byte) }
        guard index + 4 <= bytes.count, bytes[index..<(index + 4)].allSatisfy(Self.isHexDigit)
        else {
            return false
        }
        index += 4
        return true
    }

    /// The key that a reader makes of these bytes of a string; nil for half a surrogate pair, which readers take
    /// differently.
    ///
    /// Two spellings of one key are one: `/` is written `\/` by PHP, `ü` as `\u00fc` by Python.
    private static func decoded(_ key: [UInt8]) -> String? {
        guard key.contains(UInt8(ascii: "\\")) else { return String(decoding: key, as: UTF8.self) }
        var units: [UInt16] = []
        var rest = key[...]
        while let plain = rest.firstIndex(of: UInt8(ascii: "\\")) {
            units += String(decoding: rest[..<plain], as: UTF8.self).utf16
            let kind = rest[plain + 1]
            rest = rest[(plain + 2)...]
            if kind == UInt8(ascii: "u") {
                let digits = String(decoding: rest.prefix(4), as: UTF8.self)
                guard let unit = UInt16(digits, radix: 16) else { return nil }
                units.append(unit)
                rest = rest.dropFirst(4)
            } else {
                units.append(UInt16(controls[kind] ?? kind))
            }
        }
        units += String(decoding: rest, as: UTF8.self).utf16
        return String(validating: units, as: UTF16.self)
    }

    /// What the letters of RFC 8259, section 7, stand for; each other character stands for itself.
    private static let controls: [UInt8: UInt8] = [
        UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0c, UInt8(ascii: "n"): 0x0a,
        UInt8(ascii: "r"): 0x0d, UInt8(ascii: "t"): 0x09,
    ]

    private mutating func scanNumber() -> Bool {
        if next == UInt8(ascii: "-") { index += 1 }
        if next == UInt8(ascii: "0") {
            index += 1
        } else {
            guard scanDigits() else { return false }
        }
        if next == UInt8(ascii: ".") {
            index += 1
            guard scanDigits() else { return false }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            index += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { index += 1 }
            guard scanDigits() else { return false }
        }
        return true
    }

    private mutating func scanDigits() -> Bool {
        let start = index
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        return index > start
    }

    private mutating func scan(_ word: String) -> Bool {
        guard bytes[index...].starts(with: word.utf8) else { return false }
        index += word.utf8.count
        return true
    }

    private mutating func skipBlanks() {
        while let byte = next, " \t\n\r".utf8.contains(byte) { index += 1 }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
