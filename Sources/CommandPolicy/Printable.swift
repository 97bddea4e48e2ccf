extension Unicode.Scalar {
    /// The scalar as a terminal may show it: control, format and separator scalars as escapes, so
    /// that no command can move the cursor or turn the direction of an explanation.
    var printable: String {
        switch self {
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default: break
        }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
            return "\\u{" + String(value, radix: 16) + "}"
        default: return String(self)
        }
    }

    /// How many terminal cells the scalar takes: 0 for marks, 2 for East Asian wide ones.
    ///
    /// The ranges are a coarse cut of Unicode's EastAsianWidth.txt; a wrong one only moves a caret.
    var cellCount: Int {
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        switch value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

extension String {
    /// The text in printable form (see ``Unicode/Scalar/printable``).
    var printable: String {
        unicodeScalars.reduce(into: "") { $0 += $1.printable }
    }

    /// The printable text between `‘…’`, for a message: cut after 48 scalars, a `…` in their place.
    var quotedForMessage: String {
        let shown = String(String.UnicodeScalarView(unicodeScalars.prefix(48))).printable
        return unicodeScalars.count > 48 ? "‘\(shown)…’" : "‘\(shown)’"
    }
}

/// The cells that `text` takes in a terminal, in printable form.
func cellCount(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { sum, scalar in
        let shown = scalar.printable.unicodeScalars
        return sum + shown.reduce(0) { $0 + $1.cellCount }
    }
}
