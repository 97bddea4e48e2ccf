import Agent
import AgentLink
import Foundation
import Testing

/// What a machine takes for its server's word, with lines that a program of another language and library has
/// signed (`Tests/AgentLinkTests/Golden`).
@Suite struct VerifiedLinesTests {
    static let publicKey = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    /// RFC 8032, section 7.1, TEST 2.
    static let otherKey = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"

    private func golden(_ name: String) throws -> Data {
        try Data(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../AgentLinkTests/Golden/\(name)"))
    }

    private func signedLines() throws -> [[UInt8]] {
        try golden("signed_lines.txt").split(separator: UInt8(ascii: "\n")).map(Array.init)
    }

    private func key(_ text: String = publicKey) throws -> ServerPublicKey {
        try #require(Base64URL.bytes(text.utf8).flatMap(ServerPublicKey.init))
    }

    private func reader(
        key text: String = publicKey, machine: Int64 = 7,
        agent: String = "AAECAwQFBgcICQoLDA0ODw", server: String = "EBESExQVFhcYGRobHB0eHw"
    ) throws -> VerifiedLines {
        VerifiedLines(
            LinkStatement.Attachment(
                machineID: machine, agentNonce: try #require(LinkNonce(agent)),
                serverNonce: try #require(LinkNonce(server))),
            key: try key(text))
    }

    @Test func `the server's lines are read in their order, byte for byte`() throws {
        var lines = try reader()
        let messages = try signedLines().map { try lines.message(of: $0) }
        #expect(messages == (try signedLines().map { try #require(SignedLine($0)).message }))
        #expect(
            try messages.map { try JSONDecoder().decode(ServerMessage.self, from: Data($0)) }.last
                == .heartbeat)
    }

    @Test func `a line is for one key, one machine and one attachment`() throws {
        let first = try signedLines()[0]
        for var lines in [
            try reader(key: Self.otherKey), try reader(machine: 8), try reader(machine: -7),
            try reader(agent: "AAECAwQFBgcICQoLDA0OEA"),
            try reader(server: "EBESExQVFhcYGRobHB0eIA"),
            try reader(agent: "EBESExQVFhcYGRobHB0eHw", server: "AAECAwQFBgcICQoLDA0ODw"),
        ] {
            #expect(throws: ForgedLine.signature(at: 0)) { try lines.message(of: first) }
        }
    }

    /// Places of the lines that are given; all but the last are as they should be.
    @Test(arguments: [[0, 0], [0, 1, 1], [0, 1, 0], [1], [2], [0, 2]])
    func `a line that comes twice, early, late or after a gap is refused`(places: [Int]) throws {
        let golden = try signedLines()
        var lines = try reader()
        for place in places.dropLast() { _ = try lines.message(of: golden[place]) }
        let last = golden[try #require(places.last)]
        #expect(throws: ForgedLine.self) { try lines.message(of: last) }
    }

    /// A number that is put right does not make a signature right.
    @Test func `a line that was given another number is refused`() throws {
        let golden = try signedLines()
        var lines = try reader()
        _ = try lines.message(of: golden[0])
        var moved = try #require(SignedLine(golden[0]))
        moved.sequence = 1
        #expect(throws: ForgedLine.signature(at: 1)) { try lines.message(of: moved.bytes) }
    }

    @Test func `no byte of a line can be changed`() throws {
        let golden = try signedLines()
        for index in golden[1].indices {
            var lines = try reader()
            _ = try lines.message(of: golden[0])
            var changed = golden[1]
            changed[index] ^= 1
            #expect(throws: ForgedLine.self, "byte \(index)") {
                try lines.message(of: changed)
            }
        }
    }

    @Test func `nothing unsigned is read, and nothing can be added`() throws {
        let golden = try signedLines()
        for line in [
            [], Array("{}".utf8), Array(#"{"type":"heartbeat"}"#.utf8), golden[0].dropLast(),
            golden[0] + [UInt8(ascii: " ")], [UInt8(ascii: " ")] + golden[0],
        ] {
            var lines = try reader()
            #expect(throws: ForgedLine.self) { try lines.message(of: line) }
        }
    }

    @Test func `the answer to a join is the server's own, to this request`() throws {
        let nonce = try #require(LinkNonce("AAECAwQFBgcICQoLDA0ODw"))
        let reply = try JSONDecoder().decode(JoinReply.self, from: golden("join_reply.json"))
        #expect(try key().signed(reply, for: nonce))
        #expect(try !key().signed(reply, for: LinkNonce()))
        #expect(try !key(Self.otherKey).signed(reply, for: nonce))
        var other = reply
        other.machineID = 8
        #expect(try !key().signed(other, for: nonce))
        other = reply
        other.machineToken = String(repeating: "N", count: 43)
        #expect(try !key().signed(other, for: nonce))
        for signature in ["", "x", Base64URL.string([UInt8](repeating: 0, count: 64))] {
            other = reply
            other.signature = signature
            #expect(try !key().signed(other, for: nonce))
        }
    }
}
