/// What the server's signature is over.
///
/// Each begins with what it is and of which version, so that no signature of one kind stands for another;
/// all but the last field have a fixed length, so that no two statements are the same bytes.
package enum LinkStatement {
    /// One attachment of one machine: no two have both nonces in common.
    package struct Attachment: Sendable, Hashable {
        package var machineID: Int64
        /// The agent's, new for each request.
        package var agentNonce: LinkNonce
        /// The server's, new for each response: whoever sends an agent's request twice gets two attachments,
        /// and can make no third one of their lines.
        package var serverNonce: LinkNonce

        package init(machineID: Int64, agentNonce: LinkNonce, serverNonce: LinkNonce) {
            self.machineID = machineID
            self.agentNonce = agentNonce
            self.serverNonce = serverNonce
        }
    }

    /// That the machine of this id and token was made for the one who sent this nonce.
    ///
    /// - Parameters:
    ///   - nonce: The ``JoinRequest/nonce``.
    ///   - machineID: The machine's.
    ///   - tokenDigest: SHA-256 of ``JoinReply/machineToken``.
    /// - Returns: The bytes to sign.
    package static func join(
        nonce: LinkNonce, machineID: Int64, tokenDigest: some Sequence<UInt8>
    ) -> [UInt8] {
        Array("boathook join \(LinkProtocol.version)\0".utf8) + nonce.bytes
            + bytes(of: UInt64(bitPattern: machineID))
            + tokenDigest
    }

    /// That the server says this, at this place, on this attachment.
    ///
    /// - Parameters:
    ///   - message: The JSON of a ``ServerMessage``, byte for byte.
    ///   - sequence: How many lines of the attachment were before.
    ///   - attachment: The one that it is for.
    /// - Returns: The bytes to sign.
    package static func line(
        _ message: some Sequence<UInt8>, at sequence: UInt64, of attachment: Attachment
    ) -> [UInt8] {
        Array("boathook line \(LinkProtocol.version)\0".utf8)
            + bytes(of: UInt64(bitPattern: attachment.machineID))
            + attachment.agentNonce.bytes + attachment.serverNonce.bytes + bytes(of: sequence)
            + message
    }

    /// Big-endian.
    static func bytes(of number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) }
    }
}
