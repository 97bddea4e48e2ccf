/// Text in one line of a terminal, and how many of its columns it takes.
enum OneLine {
    /// The text with control characters written out, and blanks for line feeds and tabs.
    static func of(_ text: String) -> String {
        let escaped = TerminalText.escaped(Array(text.utf8))
        return String(decoding: escaped.map { $0 == 0x0a || $0 == 0x09 ? 0x20 : $0 }, as: UTF8.self)
    }

    static func width(of text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + width(of: $1) }
    }

    /// As much of it as so many columns hold, with a sign where something is missing.
    static func cut(_ text: String, to width: Int) -> String {
        guard self.width(of: text) > width else { return text }
        return beginning(of: text, width: max(0, width - 1)) + "…"
    }

    /// It in lines of so many columns, broken between characters.
    static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        var rest = text.unicodeScalars[...]
        while self.width(of: String(rest)) > width {
            let line = beginning(of: String(rest), width: width)
            // A character that is wider than the line stands alone.
            let count = max(1, line.unicodeScalars.count)
            lines.append(String(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return lines.isEmpty || !rest.isEmpty ? lines + [String(rest)] : lines
    }

    private static func beginning(of text: String, width: Int) -> String {
        var left = width
        let fitting = text.unicodeScalars.prefix { scalar in
            left -= self.width(of: scalar)
            return left >= 0
        }
        return String(fitting)
    }

    /// As terminals have it: marks go with what they stand on, and the characters of East Asia (Unicode's annex 11) and
    /// pictures take two columns.
    private static func width(of scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97c, 0xac00...0xd7a3,
            0xf900...0xfaff, 0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f,
            0x1f680...0x1f6fc, 0x1f900...0x1f9ff, 0x20000...0x3fffd:
            return 2
        default: return 1
        }
    }
}
