/// What `boathook admin join-token` prints: a secret for the server, and for the machine the key by which it
/// knows this server from any other.
///
/// The whole text is the bearer token of the join; the server keeps its digest. So a token whose key was changed on
/// its way is of no use.
package struct JoinToken: Sendable, Hashable {
    /// 256 random bits in URL-safe base64.
    package var secret: String
    /// The server's public key, Ed25519: 32 bytes.
    package var serverKey: [UInt8]

    package init(secret: String, serverKey: [UInt8]) {
        self.secret = secret
        self.serverKey = serverKey
    }

    /// - Parameter text: As ``text`` writes it; nil for anything else.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 2, Base64URL.bytes(parts[0])?.count == Self.secretByteCount,
            let key = Base64URL.bytes(parts[1]), key.count == Self.keyByteCount
        else { return nil }
        self.init(secret: String(decoding: parts[0], as: UTF8.self), serverKey: key)
    }

    /// Secret and key with a point between them: 87 characters, none of which a shell or a URL minds.
    package var text: String { "\(secret).\(Base64URL.string(serverKey))" }

    private static let secretByteCount = 32
    private static let keyByteCount = 32
}
