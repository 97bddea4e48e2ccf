import AgentLink
import ControlPlane
import Foundation
import Testing

/// What the server signs, against lines that a program of another language and library has signed
/// (`Tests/AgentLinkTests/Golden/signed_lines.txt`).
@Suite struct ServerKeyTests {
    /// RFC 8032, section 7.1, TEST 1.
    static let seed: [UInt8] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c,
        0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
        0x7f, 0x60,
    ]

    @Test func `a key is its seed, and no two are the same`() throws {
        let key = try #require(ServerKey(seed: Self.seed))
        #expect(key.seed == Self.seed)
        #expect(
            Base64URL.string(key.publicKey) == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
        let one = ServerKey()
        let other = ServerKey()
        #expect(one.publicKey != other.publicKey)
        #expect(ServerKey(seed: one.seed)?.publicKey == one.publicKey)
        #expect(ServerKey(seed: Self.seed.dropLast()) == nil)
        #expect(ServerKey(seed: Self.seed + [0]) == nil)
    }

    /// Ed25519 is deterministic (RFC 8032, section 5.1.6), so equal is equal.
    @Test func `lines are signed as another program signs them`() throws {
        let key = try #require(ServerKey(seed: Self.seed))
        let attachment = LinkStatement.Attachment(
            machineID: 7, agentNonce: try #require(LinkNonce("AAECAwQFBgcICQoLDA0ODw")),
            serverNonce: try #require(LinkNonce("EBESExQVFhcYGRobHB0eHw")))
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../AgentLinkTests/Golden/signed_lines.txt")
        let golden = try Data(contentsOf: file).split(separator: UInt8(ascii: "\n"))
        #expect(golden.count == 3)
        var signer = LineSigner(attachment, key: key)
        for bytes in golden {
            let line = try #require(SignedLine(bytes))
            #expect(try signer.line(line.message) == line)
        }
    }
}
