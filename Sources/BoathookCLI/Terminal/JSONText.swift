internal import FoundationEssentials

/// Values as JSON for programs, which a terminal does not obey either.
enum JSONText {
    static func of(_ value: some Encodable) throws -> String {
        try text(of: value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    }

    /// In one line, for people.
    static func line(of value: some Encodable) throws -> String {
        try text(of: value, [.sortedKeys, .withoutEscapingSlashes])
    }

    private static func text(
        of value: some Encodable, _ formatting: JSONEncoder.OutputFormatting
    ) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        let text = String(decoding: try encoder.encode(value), as: UTF8.self)
        // RFC 8259 has only U+0000 to U+001F written out. All others that a terminal obeys have four digits, too.
        return text.unicodeScalars.reduce(into: "") { harmless, scalar in
            if TerminalText.isHarmless(scalar) {
                harmless.unicodeScalars.append(scalar)
            } else {
                let digits = String(scalar.value, radix: 16)
                harmless += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
    }
}
