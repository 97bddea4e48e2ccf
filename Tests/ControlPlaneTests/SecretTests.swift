import ControlPlane
import Testing

@Suite struct SecretTests {
    @Test func `secrets are 43 URL-safe characters and never the same`() {
        let secrets = (0..<1000).map { _ in Secret().text }
        #expect(Set(secrets).count == 1000)
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        for secret in secrets {
            #expect(secret.count == 43)
            #expect(secret.allSatisfy(alphabet.contains))
            #expect(!secret.hasPrefix("-"), "no command line takes it for a flag")
        }
    }

    @Test func `a digest matches its own secret alone`() {
        let secret = Secret()
        #expect(secret.digest.matches(SecretDigest(of: secret.text)))
        #expect(!secret.digest.matches(SecretDigest(of: secret.text + "x")))
        #expect(!secret.digest.matches(SecretDigest(bytes: [])))
        // FIPS 180-4's example: SHA-256("abc").
        #expect(SecretDigest(of: "abc").bytes.prefix(4) == [0xba, 0x78, 0x16, 0xbf])
    }
}
