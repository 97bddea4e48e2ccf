/// What an option's value may be.
///
/// Narrower than the tools where they guess: no abbreviated words, no octal or hexadecimal
/// numbers, no leading zeros. Whatever is allowed here, the tool takes too (the tests ask it).
package enum ValueCheck: Sendable, Hashable {
    /// Any bytes, up to so many.
    case text(maximumByteCount: Int)
    /// One of these words, spelled in full.
    case word([String])
    /// Between 1 and so many of these ASCII characters.
    case characters(String, maximumByteCount: Int)
    /// A decimal number.
    case integer(ClosedRange<Int>)
    /// `--block-size`: a number of at least 1, a unit, or both; `human-readable`; `si`. A leading
    /// `'` asks for digits in groups.
    case blockSize
    /// `--threshold`: a number with an optional unit; negative for "greater than".
    case threshold
    /// `--time-style`: one of these words, or `+FORMAT` as date(1) reads it.
    case timeStyle([String])

    /// The most bytes that `+FORMAT` may have; enough for any date and two of them.
    static let maximumFormatByteCount = 128

    /// Whether the value is allowed; compares bytes, linear in the value.
    package func allows(_ value: String) -> Bool {
        let bytes = Array(value.utf8)
        switch self {
        case .text(let maximumByteCount): return bytes.count <= maximumByteCount
        case .word(let words): return words.contains { $0.hasSameBytes(as: value) }
        case .characters(let characters, let maximumByteCount):
            let known = Set(characters.utf8)
            return (1...maximumByteCount).contains(bytes.count) && bytes.allSatisfy(known.contains)
        case .integer(let range): return decimal(bytes[...]).map(range.contains) ?? false
        case .blockSize: return isBlockSize(bytes[...])
        case .threshold: return isThreshold(bytes[...])
        case .timeStyle(let words):
            return words.contains { $0.hasSameBytes(as: value) } || isTimeFormat(bytes)
        }
    }

    /// What is allowed, for a message: follows "the value must be".
    package var allowed: String {
        switch self {
        case .text(let maximumByteCount): "at most \(maximumByteCount) bytes long"
        case .word(let words): list(words, "or")
        case .characters(let characters, let maximumByteCount):
            "1 to \(maximumByteCount) of the characters \(characters)"
        case .integer(let range):
            "a decimal number from \(range.lowerBound) to \(range.upperBound) without leading zeros"
        case .blockSize:
            "a size such as 512, K, 10M or 1MB (units K M G T P E), human-readable or si"
        case .threshold: "a size such as 512, 10M or -1G (units K M G T P E), not -0"
        case .timeStyle(let words):
            """
            \(words.joined(separator: ", ")) or +FORMAT (as in date, at most \
            \(Self.maximumFormatByteCount) bytes, one line break and widths of two digits)
            """
        }
    }

    /// The allowed value that is most likely meant, or nil.
    func nearest(to value: String) -> String? {
        switch self {
        case .word(let words), .timeStyle(let words):
            let begun = words.filter { $0.utf8.starts(with: value.utf8) }
            if begun.count == 1, !value.utf8.isEmpty { return begun.first }
            return nearestWord(to: value, among: words)
        case .blockSize, .threshold:
            let raised = value.utf8.map { (0x61...0x7A).contains($0) ? $0 ^ 0x20 : $0 }.text
            return allows(raised) ? raised : nil
        case .text, .characters, .integer: return nil
        }
    }
}

/// Words as a list: "a, b or c".
func list(_ words: [String], _ conjunction: String) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) " + last
}

/// A decimal number without sign and leading zeros; nil for anything else, and beyond 64 bits.
private func decimal(_ bytes: ArraySlice<UInt8>) -> Int? {
    guard let first = bytes.first, bytes.allSatisfy(\.isASCIIDigit),
        first != UInt8(ascii: "0") || bytes.count == 1
    else { return nil }
    return Int(Array(bytes).text)
}

/// Whether the bytes are a unit, and how much it is: `K`, `KiB` (powers of 1024), `KB` (of 1000).
///
/// `Z` and `Y` are left out: no 64-bit number holds them, so the tools refuse them as well.
private func unit(_ bytes: ArraySlice<UInt8>) -> Int? {
    guard let first = bytes.first else { return 1 }
    let letter = first == UInt8(ascii: "k") ? UInt8(ascii: "K") : first
    guard let power = Array("KMGTPE".utf8).firstIndex(of: letter) else { return nil }
    let suffix = bytes.dropFirst()
    let isBinary = suffix.isEmpty || suffix.elementsEqual("iB".utf8)
    guard isBinary || suffix.elementsEqual("B".utf8) else { return nil }
    return (0...power).reduce(1) { product, _ in product * (isBinary ? 1024 : 1000) }
}

/// A number with an optional unit, within 63 bits.
private func size(_ bytes: ArraySlice<UInt8>) -> Int? {
    let digits = bytes.prefix(while: \.isASCIIDigit)
    guard let number = decimal(digits), let unit = unit(bytes.dropFirst(digits.count)) else {
        return nil
    }
    let (product, overflow) = number.multipliedReportingOverflow(by: unit)
    return overflow ? nil : product
}

private func isBlockSize(_ bytes: ArraySlice<UInt8>) -> Bool {
    let rest = bytes.first == UInt8(ascii: "'") ? bytes.dropFirst() : bytes
    if rest.elementsEqual("human-readable".utf8) || rest.elementsEqual("si".utf8) { return true }
    if let size = size(rest) { return size > 0 }
    return !rest.isEmpty && unit(rest) != nil
}

private func isThreshold(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard bytes.first == UInt8(ascii: "-") else { return size(bytes) != nil }
    return size(bytes.dropFirst()).map { $0 > 0 } ?? false
}

/// Whether the bytes are `+FORMAT`, with bounds.
///
/// Without them `%999999999d` alone would print a gigabyte for each file.
private func isTimeFormat(_ bytes: [UInt8]) -> Bool {
    guard bytes.first == UInt8(ascii: "+"), bytes.count <= ValueCheck.maximumFormatByteCount,
        bytes.filter({ $0 == UInt8(ascii: "\n") }).count <= 1
    else { return false }
    let flags = Set("_-^#+:".utf8)
    var digitCount = 0, isDirective = false
    for byte in bytes.dropFirst() {
        if !isDirective {
            isDirective = byte == UInt8(ascii: "%")
            digitCount = 0
        } else if byte.isASCIIDigit {
            digitCount += 1
            if digitCount > 2 { return false }
        } else if !flags.contains(byte) {
            isDirective = false
        }
    }
    return true
}
