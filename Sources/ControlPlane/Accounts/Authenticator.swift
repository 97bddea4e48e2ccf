/// Tells whom a key stands for.
///
/// Says nothing about which step failed: every refusal is the same.
package struct Authenticator: Sendable {
    private let accounts: any AccountStore
    private let time: WallTime

    package init(accounts: any AccountStore, time: WallTime = .system) {
        self.accounts = accounts
        self.time = time
    }

    /// - Parameter key: As it came over the wire.
    /// - Returns: Whom the key stands for.
    /// - Throws: ``ControlPlaneError/Code/unauthenticated``, or ``ControlPlaneError/Code/blocked`` for
    ///   a right key of a blocked account.
    package func principal(key: String?) async throws -> Principal {
        guard let key, !key.isEmpty, key.utf8.count <= Self.maximumKeyByteCount,
            let principal = try await accounts.principal(
                keyDigest: SecretDigest(of: key), at: time.now())
        else {
            throw ControlPlaneError(.unauthenticated, "Invalid user key")
        }
        guard !principal.account.isBlocked else {
            throw ControlPlaneError(.blocked, "User is blacklisted.")
        }
        return principal
    }

    /// Longer keys are none of ours, and are not hashed.
    private static let maximumKeyByteCount = 512
}
