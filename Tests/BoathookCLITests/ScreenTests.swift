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
        // What must be whole stays so on the narrowest screen.
        #expect(table.lines(fitting: 10)[1].hasPrefix("1234567  provisioning  "))
        #expect(table.lines(fitting: 1000) == table.lines)
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
