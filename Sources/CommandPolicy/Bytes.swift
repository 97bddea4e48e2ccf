// Swift's `String` compares and cuts by grapheme cluster and canonical equivalence: a Kelvin sign
// equals "K", and `;` with a combining mark does not contain `;`. Linux compares bytes. So this
// target compares, searches and cuts UTF-8 bytes only, with these few functions
// (`docs/command-grammar.md`; security.md, X12).

extension StringProtocol {
    /// Whether both texts are the same UTF-8 bytes.
    func hasSameBytes(as other: some StringProtocol) -> Bool {
        utf8.elementsEqual(other.utf8)
    }
}

extension String {
    /// The text's first bytes, cut before the scalar that would go beyond `byteCount`.
    func prefix(byteCount: Int) -> String {
        guard
            let end = utf8.index(startIndex, offsetBy: byteCount, limitedBy: endIndex),
            end != endIndex
        else { return self }
        var bytes = Array(utf8.prefix(byteCount + 1))
        while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
        return bytes.text
    }
}

extension [UInt8] {
    /// The bytes of a text, for comparing and cutting.
    init(of text: some StringProtocol) {
        self = Array(text.utf8)
    }

    /// The bytes as text; every call cuts at a border between scalars.
    var text: String { String(decoding: self, as: UTF8.self) }
}

extension UInt8 {
    var isASCIIDigit: Bool { (0x30...0x39).contains(self) }

    var isASCIILetter: Bool { (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self) }

    /// The letter in the other case, or nil where there is none.
    var otherCase: UInt8? { isASCIILetter ? self ^ 0x20 : nil }

    /// C0 but tab, and DEL: bytes that are refused outside quotes.
    var isRefusedControl: Bool { (self < 0x20 && self != 0x09) || self == 0x7F }
}

/// How many single-byte edits (insert, delete, replace, swap of neighbours) lead from one word to
/// the other, ASCII case ignored; nil when there are more than `limit`.
///
/// Quadratic in the shorter word; words whose lengths differ by more than `limit` cost nothing.
func editDistance(_ first: String, _ second: String, limit: Int) -> Int? {
    let first = first.utf8.map(lowercase), second = second.utf8.map(lowercase)
    guard abs(first.count - second.count) <= limit else { return nil }
    var beforeLast: [Int] = []
    var last = Array(0...second.count)
    for row in first.indices {
        var current = [row + 1]
        for column in second.indices {
            let replaced = last[column] + (first[row] == second[column] ? 0 : 1)
            var best = min(replaced, last[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, first[row] == second[column - 1],
                first[row - 1] == second[column]
            {
                best = min(best, beforeLast[column - 1] + 1)
            }
            current.append(best)
        }
        (beforeLast, last) = (last, current)
    }
    let distance = last[second.count]
    return distance <= limit ? distance : nil
}

/// The one of `words` that takes the fewest edits; the first of several.
///
/// Nil beyond two edits, or one in a word of less than five bytes.
func nearestWord(to word: String, among words: [String]) -> String? {
    let limit = word.utf8.count < 5 ? 1 : 2
    var best: (word: String, distance: Int)?
    for candidate in words {
        guard let distance = editDistance(word, candidate, limit: limit) else { continue }
        if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
    }
    return best?.word
}

private func lowercase(_ byte: UInt8) -> UInt8 {
    (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
}
