import Foundation
import LogLine
import Testing

@Suite struct LogLineTests {
    /// A value, and how it is written; a test's name must not act on a terminal either.
    struct Writing: Sendable, CustomTestStringConvertible {
        let value: String
        let written: String

        init(_ value: String, _ written: String) {
            self.value = value
            self.written = written
        }

        var testDescription: String { written }
    }

    @Test(arguments: [
        Writing("plain", "plain"),
        Writing("/api/v0/instances:1?", "/api/v0/instances:1?"),
        Writing("", #""""#),
        Writing("a b", #""a b""#),
        Writing("a=b", #""a=b""#),
        Writing(#"say "x""#, #""say \"x\"""#),
        Writing(#"C:\"#, #""C:\\""#),
        Writing("two\nlines\r\n\tmore", #""two\nlines\r\n\tmore""#),
        Writing("\u{1b}[2J\u{7}\u{0}", #""\u001b[2J\u0007\u0000""#),
        Writing("\u{9b}31m\u{7f}", #""\u009b31m\u007f""#),
        Writing("\u{202e}txt.exe\u{2066}\u{200b}\u{feff}", #""\u202etxt.exe\u2066\u200b\ufeff""#),
        Writing("\u{2028}\u{2029}\u{85}\u{a0}\u{3000}", #""\u2028\u2029\u0085\u00a0\u3000""#),
        Writing("\u{3164}\u{e0041}\u{f0000}\u{ffff}", #""\u3164\udb40\udc41\udb80\udc00\uffff""#),
        Writing("caf\u{e9} \u{1f600}", "\"caf\u{e9} \u{1f600}\""),
    ])
    func `a value is bare, or a JSON string without anything that acts`(writing: Writing) {
        #expect(LogLine.quoted(writing.value) == writing.written)
    }

    /// Every scalar there is, a plane's slice at a time.
    @Test func `every value is read back, and is one line of visible characters`() throws {
        for start in stride(from: UInt32(0), through: 0x10_FFFF, by: 0x400) {
            let scalars = (start..<start + 0x400).compactMap(Unicode.Scalar.init)
            let value = String(String.UnicodeScalarView(scalars))
            let written = LogLine.quoted(value)
            let read = try JSONDecoder().decode(
                String.self, from: Data((value.isEmpty ? "\"\"" : written).utf8))
            #expect(Array(read.utf8) == Array(value.utf8), "U+\(String(start, radix: 16))")
            let invisible = written.unicodeScalars.filter { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse,
                    .unassigned, .surrogate:
                    true
                case .spaceSeparator: scalar != " "
                default: false
                }
            }
            #expect(invisible.isEmpty, "U+\(String(start, radix: 16))")
        }
    }

    @Test func `a value cannot begin another pair`() {
        let attack = "x\" level=critical event=\"forged\n time=0"
        #expect(
            LogLine.text([("event", "request"), ("path", attack), ("status", "404")])
                == #"event=request path="x\" level=critical event=\"forged\n time=0" status=404"#)
    }

    @Test func `a key cannot end itself`() {
        #expect(LogLine.text([("a b=\"c\n\u{e9}", "1"), ("", "2")]) == "a_b__c__=1 _=2")
    }

    @Test func `a long value is cut, between characters and never within an escape`() {
        #expect(LogLine.quoted("xxxxx", limit: 5) == "xxxxx")
        #expect(LogLine.quoted("xxxxxx", limit: 5) == "\"xxxxx…\"")
        #expect(LogLine.quoted("xxx\u{1}", limit: 8) == #""xxx…""#)
        #expect(LogLine.quoted("xxx\u{1}", limit: 9) == #""xxx\u0001""#)
        #expect(LogLine.quoted("\u{1f600}\u{1f600}", limit: 7) == "\"\u{1f600}…\"")
    }

    @Test func `a pair that does not fit is left out, and the line says so`() {
        let long = String(repeating: "x", count: 50)
        let line = LogLine.text([("a", "1"), ("b", long), ("c", "2")], limit: 40)
        #expect(line == "a=1 c=2 cut=true")
        #expect(LogLine.text([("a", "1"), ("b", long)], limit: 65) == "a=1 b=\(long)")
    }

    @Test func `times are UTC to the millisecond`() {
        #expect(LogLine.time(1_764_093_083.125) == "2025-11-25T17:51:23.125Z")
        #expect(LogLine.time(0) == "1970-01-01T00:00:00.000Z")
        #expect(LogLine.time(253_402_300_799) == "9999-12-31T23:59:59.000Z")
        #expect(LogLine.time(-1) == "-1.0")
        #expect(LogLine.time(1e300) == "1e+300")
        #expect(LogLine.time(.nan) == "nan")
    }
}

@Suite struct SecretMaskTests {
    private static let secret = "AbC-45678901234567890123456789_123456789012"

    @Test(arguments: [
        "", "Bearer ", "?api_key=", "https://boathook.example/results/", "results/17-", "\u{e9}",
        "\"", "\n",
    ])
    func `a secret is taken out wherever it stands`(before: String) {
        #expect(Self.secret.utf8.count == 43)
        let masked = SecretMask.masked("\(before)\(Self.secret) and \(Self.secret)&x")
        #expect(!masked.contains("45678901234567890"))
        #expect(masked.hasSuffix("[secret] and [secret]&x"))
    }

    @Test(arguments: [
        String(secret.dropLast()),
        // A container's id, a digest, a name as orchestrators make them.
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "k8s_pod_name-5dd5756b68-abcde_kube-system_0c1b2d3e-1111-2222-3333-444455556666",
        "/workspace/Some/Folder/with/a/long/Path/and/many/Parts/in/it/0123456789",
    ])
    func `what is no secret stays`(text: String) {
        #expect(SecretMask.masked(text) == text)
    }
}
