import Glibc
import Testing

@testable import BoathookCLI

@Suite struct GivenWordsTests {
    private func checked(_ words: [[UInt8]]) throws -> [String] {
        let pointers = words.map { strdup($0.map { CChar(bitPattern: $0) } + [0]) }
        defer { pointers.forEach { free($0) } }
        return try GivenWords.checked(pointers + [nil])
    }

    @Test func `words are what they are, byte for byte`() throws {
        let words = ["boathook", "execute", "7", "rm caf\u{e9} cafe\u{301}", "", "漢字"]
        let given = try checked(words.map { Array($0.utf8) })
        #expect(given.map { Array($0.utf8) } == words.dropFirst().map { Array($0.utf8) })
    }

    @Test(
        arguments: [
            ([0x68, 0x2f, 0xff], #"h/\xff"#), ([0xc3], #"\xc3"#),
            ([0xed, 0xa0, 0x80], #"\xed\xa0\x80"#),
        ] as [([UInt8], String)])
    func `a word that is not UTF-8 is refused, not repaired`(word: [UInt8], shown: String) throws {
        let error = try #require(throws: ClientError.self) {
            try checked([Array("boathook".utf8), Array("execute".utf8), word])
        }
        #expect(error.exitCode == 64)
        #expect(error.description.hasPrefix("argument 2 is not UTF-8: \(shown)\n"))
    }

    @Test func `a private key is shown by no complaint`() throws {
        let key = Array("-----BEGIN OPENSSH PRIVATE KEY-----\n\u{e9}".utf8) + [0xff]
        let error = try #require(throws: ClientError.self) {
            try checked([Array("boathook".utf8), key])
        }
        #expect(error.exitCode == 64 && error.description == PrivateKey.complaint)
    }
}
