package import AgentLink
internal import Crypto
internal import FoundationEssentials

/// The server's key: by its signatures, machines know that it is their server which speaks.
///
/// Ed25519 (RFC 8032). Servers that share a store share this key.
package struct ServerKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// A fresh one from the system's generator.
    package init() {
        key = Curve25519.Signing.PrivateKey()
    }

    /// - Parameter seed: As ``seed`` gave it; nil when it is not 32 bytes.
    package init?(seed: some Sequence<UInt8>) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: Array(seed)) else {
            return nil
        }
        self.key = key
    }

    /// The secret 32 bytes that it is made from.
    package var seed: [UInt8] { Array(key.rawRepresentation) }

    /// The 32 bytes that machines keep.
    package var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    /// Signs what ``LinkStatement`` writes, and nothing else.
    func signature(of statement: [UInt8]) throws -> [UInt8] {
        Array(try key.signature(for: statement))
    }
}

/// Signs the lines of one attachment, one after the other.
package struct LineSigner: Sendable {
    package let attachment: LinkStatement.Attachment
    private let key: ServerKey
    private var sequence: UInt64 = 0

    package init(_ attachment: LinkStatement.Attachment, key: ServerKey) {
        self.attachment = attachment
        self.key = key
    }

    /// The next line with this message, without its line feed.
    package mutating func line(_ message: some Sequence<UInt8>) throws -> SignedLine {
        let message = Array(message)
        let signature = try key.signature(
            of: LinkStatement.line(message, at: sequence, of: attachment))
        defer { sequence += 1 }
        return SignedLine(sequence: sequence, signature: signature, message: message)
    }
}
