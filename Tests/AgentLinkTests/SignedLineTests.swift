import AgentLink
import Foundation
import Testing

@Suite struct Base64URLTests {
    /// RFC 4648, section 10, without padding; and the two characters that are not those of plain base64.
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"), ("ûïþ", "w7vDr8O-"), ("?~?", "P34_"),
    ])
    func `bytes are written as the RFC says, and read back`(bytes: String, text: String) {
        #expect(Base64URL.string(bytes.utf8) == text)
        #expect(Base64URL.bytes(text.utf8) == Array(bytes.utf8))
    }

    @Test(arguments: ["Z", "Zg==", "Zh", "Zm9", "Z+8", "Z/8", "Zm 8", "Zm8\n", "Zm9vY", "é8"])
    func `what is not written so is not read`(text: String) {
        #expect(Base64URL.bytes(text.utf8) == nil)
    }
}

@Suite struct SignedLineTests {
    static let signature = [UInt8](repeating: 0xA5, count: SignedLine.signatureByteCount)
    static let text = Base64URL.string(signature)

    @Test(arguments: [0, 1, 10, UInt64.max], ["", "{}", " a  b ", "{\"x\":\"ä \\n\"}"])
    func `a line is its number, its signature and its message as it is`(
        sequence: UInt64, message: String
    ) throws {
        let line = SignedLine(
            sequence: sequence, signature: Self.signature, message: Array(message.utf8))
        #expect(line.bytes == Array("\(sequence) \(Self.text) \(message)".utf8))
        #expect(SignedLine(line.bytes) == line)
    }

    @Test(arguments: [
        "", " ", "  ", "{}", "0", "0 \(text)", "\(text) 0 {}", " 0 \(text) {}", "0  \(text) {}",
        "00 \(text) {}", "01 \(text) {}", "+1 \(text) {}", "-1 \(text) {}", "0x1 \(text) {}",
        "18446744073709551616 \(text) {}", "99999999999999999999 \(text) {}", " \(text) {}",
        "0 \(text)A {}", "0 \(text.dropLast()) {}", "0 \(text)== {}", "0\t\(text) {}", "0  {}",
        "١ \(text) {}",
    ])
    func `what is not written so is no line`(text: String) {
        #expect(SignedLine(text.utf8) == nil)
    }
}

@Suite struct JoinTokenTests {
    static let secret = String(repeating: "s", count: 42) + "8"
    static let key = [UInt8](0..<32)

    @Test func `a token is its secret and the server's key`() throws {
        let token = JoinToken(secret: Self.secret, serverKey: Self.key)
        #expect(token.text == Self.secret + ".AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
        #expect(JoinToken(token.text) == token)
    }

    @Test func `what is not written so is no token`() {
        let key = Base64URL.string(Self.key)
        for text in [
            "", ".", Self.secret, key, Self.secret + ".", ".\(key)", "\(Self.secret).\(key).",
            "\(Self.secret).\(key)A", "\(Self.secret).\(key.dropLast())",
            "\(Self.secret)s.\(key)", "\(Self.secret.dropLast()).\(key)",
            "\(Self.secret)..\(key)", " \(Self.secret).\(key)", "\(Self.secret).\(key)\n",
        ] {
            #expect(JoinToken(text) == nil, "\(text)")
        }
    }
}

@Suite struct LinkNonceTests {
    @Test func `nonces are 128 bits and never the same`() {
        let nonces = (0..<1000).map { _ in LinkNonce() }
        #expect(Set(nonces).count == 1000)
        #expect(nonces.allSatisfy { $0.bytes.count == 16 && LinkNonce($0.text) == $0 })
    }

    @Test(arguments: [
        "", "AAECAwQFBgcICQoLDA0OD", "AAECAwQFBgcICQoLDA0ODx", "AAECAwQFBgcICQoLDA0ODxA",
    ])
    func `what is not 128 bits is no nonce`(text: String) {
        #expect(LinkNonce(text) == nil)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(LinkNonce.self, from: Data("\"\(text)\"".utf8))
        }
    }
}

@Suite struct LinkStatementTests {
    /// Every two that differ in one thing differ as bytes: a signature of one is none of the other.
    @Test func `no two statements are the same bytes`() throws {
        let one = LinkNonce()
        let other = LinkNonce()
        func attachment(
            _ machine: Int64 = 7, _ agent: LinkNonce, _ server: LinkNonce
        ) -> LinkStatement.Attachment {
            LinkStatement.Attachment(machineID: machine, agentNonce: agent, serverNonce: server)
        }
        let digest = [UInt8](repeating: 3, count: 32)
        let message = Array("{}".utf8)
        let statements = [
            LinkStatement.line(message, at: 0, of: attachment(7, one, other)),
            LinkStatement.line(message, at: 1, of: attachment(7, one, other)),
            LinkStatement.line(message, at: 1 << 56, of: attachment(7, one, other)),
            LinkStatement.line(message, at: 0, of: attachment(8, one, other)),
            LinkStatement.line(message, at: 0, of: attachment(-7, one, other)),
            LinkStatement.line(message, at: 0, of: attachment(7, other, one)),
            LinkStatement.line(message, at: 0, of: attachment(7, one, one)),
            LinkStatement.line([0] + message, at: 0, of: attachment(7, one, other)),
            LinkStatement.line([], at: 0, of: attachment(7, one, other)),
            LinkStatement.join(nonce: one, machineID: 7, tokenDigest: digest),
            LinkStatement.join(nonce: other, machineID: 7, tokenDigest: digest),
            LinkStatement.join(nonce: one, machineID: 8, tokenDigest: digest),
            LinkStatement.join(nonce: one, machineID: 7, tokenDigest: digest.dropLast() + [4]),
        ]
        #expect(Set(statements).count == statements.count)
    }
}
