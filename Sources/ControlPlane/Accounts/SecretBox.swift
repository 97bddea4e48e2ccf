internal import Crypto

/// Seals what the store must be able to give back, unlike a key, but whose text nobody should find in a copy
/// of the database.
///
/// AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits. Each thing is sealed for a context, such as
/// `environment/3/TOKEN`, which is authenticated: a sealed value that was moved to another row does not open
/// there.
package struct SecretBox: Sendable {
    /// What did not open: sealed with another key or for another context, or damaged.
    package struct NotSealedHere: Error, CustomStringConvertible {
        package let context: String

        package var description: String {
            "\(context) was not sealed with this server's key (secrets.key), or is damaged"
        }
    }

    /// Of the key, in bytes.
    package static let keyByteCount = 32

    /// The first byte of what is sealed, so that another way can come beside this one.
    private static let version: UInt8 = 1

    private let key: SymmetricKey

    /// - Parameter key: ``keyByteCount`` random bytes.
    package init(key: [UInt8]) {
        precondition(key.count == Self.keyByteCount, "the key of a secret box has 32 bytes")
        self.key = SymmetricKey(data: key)
    }

    /// A fresh key from the system's generator.
    package static func makeKey() -> [UInt8] {
        SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
    }

    /// Seals bytes for a context; the same bytes never look the same twice.
    ///
    /// - Parameters:
    ///   - bytes: What to keep.
    ///   - context: Where it belongs; needed again to open it, and not kept.
    /// - Returns: A version, the nonce, the cipher text and its tag: 29 bytes more than `bytes`.
    /// - Throws: What the cipher throws.
    package func seal(_ bytes: [UInt8], for context: String) throws -> [UInt8] {
        let box = try AES.GCM.seal(bytes, using: key, authenticating: Self.authenticated(context))
        return [Self.version] + Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
    }

    /// Opens what was sealed for the same context.
    ///
    /// - Parameters:
    ///   - sealed: What ``seal(_:for:)`` gave.
    ///   - context: The context it was sealed for.
    /// - Returns: The bytes.
    /// - Throws: ``NotSealedHere``.
    package func open(_ sealed: [UInt8], for context: String) throws -> [UInt8] {
        guard sealed.first == Self.version,
            let box = try? AES.GCM.SealedBox(combined: sealed.dropFirst()),
            let bytes = try? AES.GCM.open(
                box, using: key, authenticating: Self.authenticated(context))
        else { throw NotSealedHere(context: context) }
        return Array(bytes)
    }

    /// A digest that nobody can check a guess against who has not the key: HMAC-SHA256, with a key that
    /// HKDF (RFC 5869) derives from this one for the context.
    ///
    /// - Parameters:
    ///   - bytes: What is to be known again.
    ///   - context: What for; the same bytes have another digest in another context.
    /// - Returns: 32 bytes.
    package func digest(of bytes: [UInt8], for context: String) -> [UInt8] {
        let derived = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key, info: Array("digest/\(context)".utf8),
            outputByteCount: Self.keyByteCount)
        return Array(HMAC<SHA256>.authenticationCode(for: bytes, using: derived))
    }

    private static func authenticated(_ context: String) -> [UInt8] {
        [version] + Array(context.utf8)
    }
}
