/// 128 random bits that one side says once, so that an answer to them is to them alone.
package struct LinkNonce: Sendable, Hashable {
    package let bytes: [UInt8]

    /// A fresh one from the system's generator.
    package init() {
        var generator = SystemRandomNumberGenerator()
        bytes = (0..<2).flatMap { _ in LinkStatement.bytes(of: generator.next()) }
    }

    /// - Parameter text: As ``text`` writes it; nil for anything else.
    package init?(_ text: String) {
        guard let bytes = Base64URL.bytes(text.utf8), bytes.count == Self.byteCount else {
            return nil
        }
        self.bytes = bytes
    }

    /// 22 characters of URL-safe base64.
    package var text: String { Base64URL.string(bytes) }

    package static let byteCount = 16
}

extension LinkNonce: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let nonce = LinkNonce(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a nonce is 128 bits in URL-safe base64")
        }
        self = nonce
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
