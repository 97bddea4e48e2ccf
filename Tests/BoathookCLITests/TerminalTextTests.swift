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

    @Test func `a table lines its columns up and keeps rows on their lines`() {
        var table = Table(head: ["ID", "NAME"])
        table.add(["7", "two\nlines\u{1b}"])
        table.add(["1234", "x"])
        #expect(table.lines == ["ID    NAME", "7     two lines\\x1b", "1234  x"])
    }
}
