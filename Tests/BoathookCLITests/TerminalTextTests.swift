import Foundation
import Testing

@testable import BoathookCLI

@Suite struct TerminalTextTests {
    @Test(arguments: [
        ("plain\n\ttext", "plain\n\ttext"), ("\u{1b}[31mred", "\\x1b[31mred"),
        ("\u{7}\u{8}\r", "\\x07\\x08\\x0d"),
        ("a\u{202e}b", "a\\u{202e}b"), ("\u{9b}31m", "\\u{9b}31m"), ("héllo ✓ 漢字", "héllo ✓ 漢字"),
        ("\u{7f}\0", "\\x7f\\x00"),
    ])
    func `what a terminal would obey is written out`(text: String, shown: String) {
        #expect(String(decoding: TerminalText.escaped(Array(text.utf8)), as: UTF8.self) == shown)
    }

    @Test func `bytes that are no UTF-8 are written out, and no byte is lost`() {
        let shown = TerminalText.escaped([0x61, 0xff, 0xc3, 0x28, 0xe2, 0x82])
        #expect(String(decoding: shown, as: UTF8.self) == "a\\xff\\xc3(\\xe2\\x82")
    }

    @Test(arguments: [
        Array("héllo ✓ 漢字 🦀\u{202e}\u{9b}\u{1b}".utf8),
        [0x61, 0xff, 0xc3, 0x28, 0xe2, 0x82],
        [0xe2, 0x82, 0x41, 0xf0, 0x9f, 0xf0, 0x9f, 0xa6, 0x80],
        [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0xa6], [0x80, 0x80, 0x80, 0x80],
        [0xf5, 0x80, 0xc0, 0xaf],
        [0xe0, 0x80, 0xaf, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80, 0xc3, 0xc3, 0xa9],
    ])
    func `pieces of whatever length are shown as the whole`(bytes: [UInt8]) {
        for length in 1...bytes.count {
            var text = TerminalText()
            var shown: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: length) {
                shown += text.escaped(next: bytes[start..<min(start + length, bytes.count)])
            }
            shown += text.escapedRest()
            #expect(shown == TerminalText.escaped(bytes), "in pieces of \(length)")
            #expect(text.escapedRest().isEmpty)
        }
    }

    @Test func `no piece waits for longer than its character may last`() {
        var text = TerminalText()
        #expect(text.escaped(next: Array("a✓b".utf8).prefix(3)) == [0x61])
        #expect(text.escaped(next: [0x93]) == Array("✓".utf8))
        #expect(text.escaped(next: [0xf0, 0x9f, 0x0a]) == Array("\\xf0\\x9f\n".utf8))
    }

    @Test func `JSON has nothing that a terminal would obey, and says the same`() throws {
        let value = [
            "\u{9b}31m\u{85}":
                "\u{7f}\u{80}\u{9f}\u{200e}\u{200f}\u{2028}\u{202e}\u{2066}\u{2069}\u{61c}",
            "plain": "\u{1b}[31m\0\u{a0}é漢🦀/\"\\\r\n\t",
        ]
        for text in [try JSONText.of(value), try JSONText.line(of: value)] {
            #expect(TerminalText.escaped(Array(text.utf8)) == Array(text.utf8))
            #expect(text.contains(#"\u009b31m\u0085"#) && text.contains(#"\u061c"#))
            #expect(text.contains("é漢🦀/"))
            #expect(
                try JSONDecoder().decode([String: String].self, from: Data(text.utf8)) == value)
        }
    }

    @Test func `a table lines its columns up and keeps rows on their lines`() {
        var table = Table(head: ["ID", "NAME"])
        table.add(["7", "two\nlines\u{1b}"])
        table.add(["1234", "x"])
        #expect(table.lines == ["ID    NAME", "7     two lines\\x1b", "1234  x"])
    }
}
