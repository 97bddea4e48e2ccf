import ControlPlane
import Foundation
import Testing

/// Keys that ssh-keygen made, and what is like them and is none.
@Suite struct SSHPublicKeyTests {
    private static let ed25519 =
        "AAAAC3NzaC1lZDI1NTE5AAAAILFzvDqyC/voTlZ4BA1f6o737NDM0kfeuOnriqEuFvgN"
    private static let rsa2048 =
        "AAAAB3NzaC1yc2EAAAADAQABAAABAQCyrAGYHz5r2m8SmjonKGx0H/QS/NPs/i8eN/9unLFe4Ql/HyzRt9hLBcF0ZzuuAicyk0lvvdYzUkgo2o+QTyI0+p/TZmD6Mx9wvjPFKLrmY9gCfbFqt+QmY5+TymaTB4h4sUvmPHQrUjGAutVG1ljbay59v9VkfcyrTRs2bNbGYP5lD6sYSYF+vzdiM/3VchW03HW1t4KQYRxQPVrIIF/rcChJYz9Y+XCNgkZKFE1Mo4y8S0b5/1dv8GZkgEHDeXK9O8J8c2GFEM+aqICEDgME+wj5stroeuoMkr030vrAakl+cANT5AGIlZStZ66psOIwAioETnxhjRE2fbdqZIAZ"
    private static let rsa1024 =
        "AAAAB3NzaC1yc2EAAAADAQABAAAAgQC+JyYvOTc3Fnn0J3pfzXKO9vPgkokHdToC1Wt7qiLPkiHAINUbiMuLh8j+xaCkvcP3LWs5moyh2gdpccday2oinO6hwZ+MVtUnOJLeofAiu9Z+b8O6Qi6L2AkGCOln0QvzQ0Zl5/Aev4dEtfikJAehw44xtggqh9+gwmsuaF6IGQ=="
    private static let p256 =
        "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBErl5aRXqwj6vmXfuZokV1UMb78ZHfV6GWllnck8fwcw1NAEMndXdTjYVL8M4ch9HfQp5WXp8bH51IxDNUCJgo0="
    private static let p384 =
        "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBA7eR1baGsOh2uTY93prrhFKW2uaqHeoAdU3uOjujBRlIPH1V1IWpv4hvaIkE9hElD/4AWd3v7MGy4N+iRl4fs3nJ+zRh26GYNxluAPfLY0DpPhqqfs0jHIeNXz/x01S1w=="
    private static let p521 =
        "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAFn7nrUK2dg6+90UM2pAu30veHF6ql1Eh7a+7YUAgAjtx4pGvgeoae4XwaKjoGsta9S5oVvcthUQoMO5eGMguqMiQEBr3b0fPYU7MU6ofoEvNbAyAX37ZJAhUNxFGuCDWRvttqBrx01zpgbGPadjijXmP2hZgdZy1E1SOKliIFq33Rlow=="

    @Test(arguments: [
        "ssh-ed25519 \(ed25519)", "ssh-rsa \(rsa2048) maria@laptop",
        "ecdsa-sha2-nistp256 \(p256) two words", "ecdsa-sha2-nistp384 \(p384)",
        "ecdsa-sha2-nistp521 \(p521) é", "sk-ssh-ed25519@openssh.com \(tokenEd25519)",
        "sk-ecdsa-sha2-nistp256@openssh.com \(tokenP256) yubi",
        "ssh-ed25519 \(ed25519) \(String(repeating: "c", count: 256))",
    ])
    func `a key is taken as it is`(line: String) throws {
        #expect(try SSHPublicKey(text: line).line == line)
        #expect(try SSHPublicKey(text: "  \(line)\r\n").line == line)
    }

    @Test func `blanks between the parts do not count, and the fingerprint is ssh-keygen's`() throws
    {
        let key = try SSHPublicKey(text: "ssh-ed25519\t \(Self.ed25519)   maria  two ")
        #expect(key.line == "ssh-ed25519 \(Self.ed25519) maria  two")
        #expect(key.comment == "maria  two")
        #expect(key.fingerprint == "SHA256:Riqpc0+4GzV+OFuGFb4JF9wynFT6jJPbBpqVo8dx+jc")
    }

    @Test(arguments: [
        ("", "is empty"), (" \n", "is empty"), ("ssh-ed25519", "the key is missing"),
        ("~/.ssh/id_ed25519.pub", "looks like a path"), ("/home/m/my key.pub", "looks like a path"),
        ("id_rsa", "looks like a path"), (#"C:\Users\m\id.pub"#, "looks like a path"),
        ("keys/id.pub", "looks like a path"), ("$HOME/id.pub", "looks like a path"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n", "private key"),
        ("PuTTY-User-Key-File-3: ssh-ed25519", "private key"),
        ("hello", "a type that is taken"), ("ssh-dss AAAA", "a type that is taken"),
        ("ssh-ed25519-cert-v01@openssh.com \(ed25519)", "a type that is taken"),
        (ed25519, "type, such as ssh-ed25519, is missing"),
        ("no-pty ssh-ed25519 \(ed25519)", "Options"),
        ("command=\"rm -r /\" ssh-ed25519 \(ed25519)", "Options"),
        ("ssh-ed25519 \(ed25519)\nssh-rsa \(rsa2048)", "one line"),
        ("ssh-ed25519 \(ed25519)\rssh-rsa \(rsa2048)", "one line"),
        ("ssh-rsa \(ed25519)", "another type"),
        ("ssh-ed25519 \(ed25519.dropLast(3))", "base64"),
        ("ssh-ed25519 \(ed25519.dropLast(4))", "was it cut?"),
        ("ssh-ed25519 \(ed25519.dropLast())!", "base64"),
        ("ssh-ed25519 AAAA", "was it cut?"), ("ssh-ed25519 /////w==", "was it cut?"),
        ("ssh-rsa \(rsa1024)", "and this one 1024"),
        ("ssh-ed25519 \(ed25519) \(String(repeating: "c", count: 257))", "comment"),
        ("ssh-ed25519 \(ed25519) a\u{1b}[31m", "comment"),
        ("ssh-ed25519 \(ed25519) a\u{2028}ssh-rsa", "comment"),
        ("ssh-ed25519 \(ed25519) a\u{0}", "comment"),
        ("ssh-ed25519 \(String(repeating: "A", count: 8192))", "at most"),
    ])
    func `what is none is refused with a hint, and not repeated`(text: String, hint: String) throws
    {
        let error = try #require(throws: InvalidSSHKey.self) { try SSHPublicKey(text: text) }
        #expect(error.description.contains(hint), "\(error)")
        let words = text.split(whereSeparator: \.isWhitespace).filter { $0.count > 40 }
        for word in words { #expect(!error.description.contains(word)) }
    }

    private static let ff = [UInt8](repeating: 0xFF, count: 256)
    private static let ones = [UInt8](repeating: 1, count: 64)

    /// A type, and what is behind its name inside the key.
    private static let insides: [(String, [[UInt8]])] = [
        // one byte more, one part more
        ("ssh-ed25519", [Array(ones.prefix(33))]),
        ("ssh-ed25519", [Array(ones.prefix(32)), []]),
        // a point that is not on its curve, or of another one
        ("ecdsa-sha2-nistp256", [Array("nistp256".utf8), [4] + ones]),
        ("ecdsa-sha2-nistp256", [Array("nistp384".utf8), point(of: p256)]),
        // numbers below zero, with needless zeros, even; an exponent of one
        ("ssh-rsa", [[1, 0, 1], ff]),
        ("ssh-rsa", [[1, 0, 1], [0, 0] + ff]),
        ("ssh-rsa", [[1, 0, 1], [0] + ff.dropLast() + [0xFE]]),
        ("ssh-rsa", [[1], [0] + ff]),
        // no application
        ("sk-ssh-ed25519@openssh.com", [Array(ones.prefix(32)), []]),
    ]

    @Test(arguments: insides)
    func `the inside of a key is looked at`(type: String, parts: [[UInt8]]) {
        #expect(throws: InvalidSSHKey.self) {
            try SSHPublicKey(text: "\(type) \(Self.blob(type, parts))")
        }
    }

    private static let tokenEd25519 = blob(
        "sk-ssh-ed25519@openssh.com", [Array(ones.prefix(32)), Array("ssh:".utf8)])
    private static let tokenP256 = blob(
        "sk-ecdsa-sha2-nistp256@openssh.com",
        [Array("nistp256".utf8), point(of: p256), Array("ssh:".utf8)])

    private static func blob(_ type: String, _ parts: [[UInt8]]) -> String {
        ([Array(type.utf8)] + parts).reduce(into: Data()) { blob, part in
            withUnsafeBytes(of: UInt32(part.count).bigEndian) { blob.append(contentsOf: $0) }
            blob.append(contentsOf: part)
        }.base64EncodedString()
    }

    private static func point(of encoded: String) -> [UInt8] {
        Data(base64Encoded: encoded).map { Array($0.suffix(65)) } ?? []
    }
}
