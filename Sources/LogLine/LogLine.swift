internal import FoundationEssentials

/// Pairs of key and value as one line of text, whatever the values are: `key=value key="a value"` (logfmt).
///
/// A value without blanks, quotes, `=`, backslashes and characters outside of ASCII stands as it is; any
/// other one is a JSON string (RFC 8259, section 7) in which nothing is left that ends a line, moves a cursor,
/// or is not seen. So no value can end its line, begin another pair, or look like one.
package enum LogLine {
    /// - Parameters:
    ///   - pairs: In the order in which they are written. Keys are the program's own words.
    ///   - valueLimit: After so many bytes a value is cut, and ends in `…`.
    ///   - limit: A pair that does not fit into so many bytes is left out, and `cut=true` is the last pair.
    /// - Returns: The line, without its line feed.
    package static func text(
        _ pairs: [(key: String, value: String)], valueLimit: Int = .max, limit: Int = .max
    ) -> String {
        let cutMark = " cut=true"
        var line = ""
        var isCut = false
        for (key, value) in pairs {
            let blank = line.isEmpty ? "" : " "
            let pair = "\(blank)\(word(key))=\(quoted(value, limit: valueLimit))"
            if line.utf8.count + pair.utf8.count + cutMark.utf8.count > limit {
                isCut = true
            } else {
                line += pair
            }
        }
        return isCut ? line + cutMark : line
    }

    /// The value as it stands behind its `=`.
    package static func quoted(_ value: String, limit: Int = .max) -> String {
        var text = ""
        var isBare = !value.isEmpty
        for scalar in value.unicodeScalars {
            let piece = escaped(scalar)
            guard piece.utf8.count <= limit - text.utf8.count else {
                text += "…"
                isBare = false
                break
            }
            text += piece
            isBare = isBare && isPlain(scalar)
        }
        return isBare ? text : "\"\(text)\""
    }

    /// Seconds of Unix time as RFC 3339 writes them, in UTC and to the millisecond; a number that is no time
    /// of these ten thousand years stands as it is.
    package static func time(_ seconds: Double) -> String {
        guard (0..<253_402_300_800).contains(seconds) else { return "\(seconds)" }
        return Date(timeIntervalSince1970: seconds)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// A key in which nothing can end it.
    private static func word(_ key: String) -> String {
        guard !key.isEmpty else { return "_" }
        return key.unicodeScalars.reduce(into: "") { $0 += isPlain($1) ? String($1) : "_" }
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\"", "=", "\\": false
        default: (0x21...0x7E).contains(scalar.value)
        }
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case " "..."~": return String(scalar)
        default: break
        }
        let properties = scalar.properties
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .unassigned,
            .privateUse:
            return hexadecimal(scalar)
        default:
            return properties.isDefaultIgnorableCodePoint ? hexadecimal(scalar) : String(scalar)
        }
    }

    private static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
        String(scalar).utf16.reduce(into: "") { text, unit in
            let digits = String(unit, radix: 16)
            text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
    }
}
