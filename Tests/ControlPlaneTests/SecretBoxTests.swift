import ControlPlane
import Testing

@Suite struct SecretBoxTests {
    private let box = SecretBox(key: Array(0..<32))
    private let secret = Array("hf_0123".utf8)

    @Test func `what was sealed opens, and never looks the same`() throws {
        let sealed = try (0..<100).map { _ in try box.seal(secret, for: "environment/1/TOKEN") }
        #expect(Set(sealed).count == 100)
        for one in sealed {
            #expect(one.count == secret.count + 29)
            #expect(try box.open(one, for: "environment/1/TOKEN") == secret)
            #expect(!one.indices.contains { one[$0...].starts(with: secret) })
        }
        #expect(try box.open(try box.seal([], for: ""), for: "").isEmpty)
    }

    @Test func `it opens nowhere else, and with no other key`() throws {
        let sealed = try box.seal(secret, for: "environment/1/TOKEN")
        #expect(throws: SecretBox.NotSealedHere.self) {
            try box.open(sealed, for: "environment/2/TOKEN")
        }
        let other = SecretBox(key: SecretBox.makeKey())
        #expect(throws: SecretBox.NotSealedHere.self) {
            try other.open(sealed, for: "environment/1/TOKEN")
        }
    }

    @Test func `no changed bit passes, and no cut`() throws {
        let sealed = try box.seal(secret, for: "a")
        for index in sealed.indices {
            for bit in 0..<8 {
                var changed = sealed
                changed[index] ^= 1 << bit
                #expect(throws: SecretBox.NotSealedHere.self) { try box.open(changed, for: "a") }
            }
            #expect(throws: SecretBox.NotSealedHere.self) {
                try box.open(Array(sealed[..<index]), for: "a")
            }
        }
        #expect(throws: SecretBox.NotSealedHere.self) { try box.open(sealed + [0], for: "a") }
    }

    @Test func `keys differ`() {
        #expect(Set((0..<100).map { _ in SecretBox.makeKey() }).count == 100)
        #expect(SecretBox.makeKey().count == SecretBox.keyByteCount)
    }
}
