package import AgentLink
internal import Crypto
internal import FoundationEssentials

/// The key of this machine's server: what it has not signed, it has not said.
package struct ServerPublicKey: Sendable {
    private let key: Curve25519.Signing.PublicKey

    /// - Parameter bytes: As a ``JoinToken`` has them; nil when they are no key.
    package init?(_ bytes: [UInt8]) {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else {
            return nil
        }
        self.key = key
    }

    package var bytes: [UInt8] { Array(key.rawRepresentation) }

    /// Whether the server has signed this.
    func signed(_ statement: [UInt8], as signature: [UInt8]) -> Bool {
        key.isValidSignature(signature, for: statement)
    }

    /// Whether the server gave this answer to who joined with this nonce.
    package func signed(_ reply: JoinReply, for nonce: LinkNonce) -> Bool {
        guard let signature = Base64URL.bytes(reply.signature.utf8) else { return false }
        let statement = LinkStatement.join(
            nonce: nonce, machineID: reply.machineID,
            tokenDigest: SHA256.hash(data: Array(reply.machineToken.utf8)))
        return signed(statement, as: signature)
    }
}
