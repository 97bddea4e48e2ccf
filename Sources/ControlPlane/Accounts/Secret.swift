internal import AgentLink
internal import Crypto

/// A random secret of 256 bits, in the spelling that leaves the process: 43 characters of the URL-safe
/// base64 alphabet (RFC 4648, section 5, without padding).
package struct Secret: Sendable {
    package let text: String

    /// A fresh one from the system's generator.
    ///
    /// It does not begin with a dash, which command lines would take for a flag.
    package init() {
        var generator = SystemRandomNumberGenerator()
        var text: String
        repeat {
            var bytes: [UInt8] = []
            for _ in 0..<4 {
                withUnsafeBytes(of: generator.next() as UInt64) { bytes.append(contentsOf: $0) }
            }
            text = Base64URL.string(bytes)
        } while text.utf8.first == UInt8(ascii: "-")
        self.text = text
    }

    /// What the store keeps.
    package var digest: SecretDigest { SecretDigest(of: text) }
}

/// SHA-256 of a secret: enough to recognise it, useless to whoever reads the store.
///
/// A fast hash is right here, because the secrets are random and 256 bits long.
package struct SecretDigest: Sendable, Hashable {
    package let bytes: [UInt8]

    /// The digest of a secret as it came over the wire.
    package init(of text: String) {
        bytes = Array(SHA256.hash(data: Array(text.utf8)))
    }

    /// A digest as the store kept it.
    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Compares in a time that does not depend on where the two differ.
    package func matches(_ other: SecretDigest) -> Bool {
        guard bytes.count == other.bytes.count else { return false }
        return zip(bytes, other.bytes).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
