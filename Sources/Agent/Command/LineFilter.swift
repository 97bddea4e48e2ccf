/// Lets those lines of a stream of bytes pass that contain a text, byte for byte.
///
/// Of a line it keeps ``keptByteCount`` bytes at most: a longer one passes by what is in those. Each byte is looked at
/// once or twice, whatever the text (Knuth, Morris and Pratt, 1977).
struct LineFilter: Sendable {
    private let text: [UInt8]
    /// For each part of the text from its start on: how many of its last bytes are the text's first.
    private let borders: [Int]
    /// The current line, as long as nothing is decided about it.
    private var line: [UInt8] = []
    /// How many of the text's first bytes the line ends with.
    private var matchedCount = 0
    private var hasText: Bool
    /// Of a line that is longer than what is kept: whether the rest of it passes.
    private var isPassing: Bool?

    init(_ text: String) {
        self.text = Array(text.utf8)
        borders = Self.borders(of: self.text)
        hasText = self.text.isEmpty
    }

    /// What of these bytes, and of those before, passes now.
    mutating func passing(_ bytes: [UInt8]) -> [UInt8] {
        var passed: [UInt8] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            take(rest[...end], into: &passed)
            passed += self.end()
            rest = rest[(end + 1)...]
        }
        take(rest, into: &passed)
        return passed
    }

    /// The line is over, with or without an end: what of it passes that did not before.
    mutating func end() -> [UInt8] {
        defer {
            line.removeAll(keepingCapacity: true)
            matchedCount = 0
            hasText = text.isEmpty
            isPassing = nil
        }
        return isPassing == nil && hasText ? line : []
    }

    private mutating func take(_ part: ArraySlice<UInt8>, into passed: inout [UInt8]) {
        var part = part
        if isPassing == nil {
            let kept = part.prefix(Self.keptByteCount - line.count)
            search(kept)
            line += kept
            part = part.dropFirst(kept.count)
            guard !part.isEmpty else { return }
            isPassing = hasText
            if hasText { passed += line }
            line.removeAll(keepingCapacity: true)
        }
        if isPassing == true { passed += part }
    }

    private mutating func search(_ part: ArraySlice<UInt8>) {
        for byte in part {
            guard !hasText else { return }
            while matchedCount > 0, text[matchedCount] != byte {
                matchedCount = borders[matchedCount - 1]
            }
            if text[matchedCount] == byte { matchedCount += 1 }
            hasText = matchedCount == text.count
        }
    }

    private static func borders(of text: [UInt8]) -> [Int] {
        var borders: [Int] = []
        var count = 0
        for (index, byte) in text.enumerated() {
            guard index > 0 else {
                borders.append(0)
                continue
            }
            while count > 0, text[count] != byte { count = borders[count - 1] }
            if text[count] == byte { count += 1 }
            borders.append(count)
        }
        return borders
    }

    static let keptByteCount = 64 << 10
}
