import Testing

@testable import BoathookCLI

@Suite struct ScreenTests {
    @Test func `a table is cut where it is widest, and no row is longer than the screen`() {
        var table = Table(head: ["ID", "STATUS", "LABEL", "IMAGE"])
        table.add([
            "1234567", "provisioning", String(repeating: "é", count: 90),
            String(repeating: "i", count: 40),
        ])
        table.add(["8", "running", "x", "y"])
        #expect(table.lines(fitting: nil) == table.lines)
        for width in [60, 80, 100] {
            let lines = table.lines(fitting: width)
            #expect(lines.map(\.unicodeScalars.count).max() == width)
            #expect(lines[1].hasPrefix("1234567  provisioning  é"))
            #expect(lines[1].contains("…"))
            #expect(lines[2].hasPrefix("8        running       x"))
        }
        #expect(table.lines(fitting: 1000) == table.lines)
    }

    @Test func `columns that find no place are left out, and what a row is of stays`() {
        var table = Table(
            head: ["ID", "HOST", "CORES", "STATUS", "ADDRESS"], spares: ["CORES", "HOST"])
        table.add([
            "1234567", "machine-with-a-name", "64", "provisioning", "203.0.113.7",
        ])
        func columns(_ width: Int) -> [Substring] {
            table.lines(fitting: width)[0].split(separator: " ")
        }
        #expect(columns(80) == ["ID", "HOST", "CORES", "STATUS", "ADDRESS"])
        #expect(columns(54) == ["ID", "HOST", "STATUS", "ADDRESS"])
        #expect(columns(40) == ["ID", "STATUS", "ADDRESS"])
        #expect(columns(30) == ["ID", "STATUS"])
        // What must be whole stays so on the narrowest screen.
        #expect(table.lines(fitting: 10)[1] == "1234567  provisioning")
        for width in [30, 40, 54, 80] {
            #expect(table.lines(fitting: width).allSatisfy { $0.unicodeScalars.count <= width })
        }
    }

    @Test func `characters of two columns are counted so, and marks not at all`() {
        #expect(OneLine.width(of: "a語é🚀") == 6)
        #expect(OneLine.width(of: "e\u{301}") == 1)
        #expect(OneLine.cut("漢字漢字", to: 6) == "漢字…")
        var table = Table(head: ["ID", "LABEL"])
        table.add(["1", String(repeating: "漢", count: 40)])
        #expect(OneLine.width(of: table.lines(fitting: 40)[1]) == 40 - 1)
    }

    @Test func `of one thing, all is told, in lines that fit`() {
        var sheet = Sheet()
        sheet.add("id", "7")
        sheet.add("status_msg", "one two three four\nfive\u{1b}[31m")
        #expect(
            sheet.lines(fitting: nil) == [
                "id          7", "status_msg  one two three four five\\x1b[31m",
            ])
        #expect(
            sheet.lines(fitting: 30) == [
                "id          7", "status_msg  one two three four", "             five\\x1b[31m",
            ])
        #expect(sheet.lines(fitting: 1).count > 3)
        #expect(OneLine.wrapped("漢字漢", width: 1) == ["漢", "字", "漢"])
        #expect(OneLine.wrapped("", width: 5) == [""])
    }

    @Test func `progress takes the place of progress`() {
        var line = ProgressLine(width: 20)
        #expect(line.text(for: "one") == "\r\u{1b}[Kone")
        #expect(line.text(for: "one") == nil)
        #expect(line.text(for: "two\n\u{1b}[31m") == "\r\u{1b}[Ktwo \\x1b[31m")
        #expect(
            line.text(for: String(repeating: "x", count: 90)) == "\r\u{1b}[K"
                + String(repeating: "x", count: 19))
        var nobody = ProgressLine(width: nil)
        #expect(nobody.text(for: "one") == nil)
    }

    @Test func `private keys are known by their first line`() {
        #expect(PrivateKey.isOne("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl"))
        #expect(!PrivateKey.isOne("ssh-ed25519 AAAA me"))
    }
}
