/// The only way to an account's keys for a caller: the lookup is the authorisation.
package struct KeyAccess: Sendable {
    private let accounts: any AccountStore
    private let time: WallTime

    package init(accounts: any AccountStore, time: WallTime) {
        self.accounts = accounts
        self.time = time
    }

    /// The keys of the principal's account that are not revoked, by ascending id; those of them that the
    /// principal may see.
    package func keys(of principal: Principal) async throws -> [APIKey] {
        try await accounts.keys(account: principal.account.id)
            .filter { principal.scope.lists(key: $0.id) }
    }

    /// The key; nil when it is absent, revoked or somebody else's.
    package func key(_ id: APIKey.ID, as principal: Principal) async throws -> APIKey? {
        try await accounts.keys(account: principal.account.id).first { $0.id == id }
    }

    /// Makes a key of the principal's account.
    ///
    /// - Parameters:
    ///   - file: What it is to be.
    ///   - name: What it is for.
    ///   - principal: Who makes it.
    /// - Returns: The key, and its secret, which exists nowhere else.
    /// - Throws: ``ControlPlaneError/Code/notAuthorized`` when it would have more than the principal's own;
    ///   ``ControlPlaneError/Code/invalidArguments`` when the account has as many keys as it may.
    package func make(_ file: PermissionFile, name: String, as principal: Principal) async throws
        -> (key: APIKey, secret: Secret)
    {
        let scope = try principal.scope.granting(file.scope)
        let now = time.now()
        let expiresAt = file.expiresDays.map { now + Double($0) * 86_400 }
        if let end = principal.expiresAt, let expiresAt, expiresAt > end {
            throw ControlPlaneError(
                .notAuthorized, "A key grants no more than it has itself: it ends before.")
        }
        guard try await accounts.keys(account: principal.account.id).count < Self.maximumCount
        else {
            throw ControlPlaneError(
                .invalidArguments, "The account has \(Self.maximumCount) keys; delete some first.")
        }
        let secret = Secret()
        let key = try await accounts.addKey(
            secret.digest, name: name, account: principal.account.id, scope: scope,
            expiresAt: expiresAt ?? principal.expiresAt, orderedBy: principal.keyID, at: now)
        return (key, secret)
    }

    /// Makes a key useless, from its next request on.
    ///
    /// - Returns: Whether there was one.
    /// - Throws: ``ControlPlaneError/Code/notAuthorized`` when it has more than the principal's own: a
    ///   narrow key must not be able to lock its account's owner out.
    package func revoke(_ id: APIKey.ID, as principal: Principal) async throws -> Bool {
        guard let key = try await key(id, as: principal) else { return false }
        if id != principal.keyID, let excess = principal.scope.excess(of: key.scope) {
            throw ControlPlaneError(
                .notAuthorized, "A key deletes no key that has more than itself: \(excess).")
        }
        return try await accounts.revokeKey(id: id, orderedBy: principal.keyID, at: time.now())
    }

    /// Gives the key that asks another secret; what it may do, and what it has done, stay its own.
    ///
    /// A new key beside it would have a deletion budget of its own, and would not see the commands of the old one.
    ///
    /// - Parameters:
    ///   - principal: Who asks.
    ///   - key: The key itself.
    /// - Returns: The new secret, which exists nowhere else.
    /// - Throws: ``ControlPlaneError/Code/unauthenticated`` when it was reset or revoked meanwhile.
    package func reset(_ principal: Principal, key: String) async throws -> Secret {
        let secret = Secret()
        guard
            try await accounts.resetKey(
                id: principal.keyID, from: SecretDigest(of: key), to: secret.digest,
                address: principal.address, at: time.now())
        else { throw ControlPlaneError(.unauthenticated, "Invalid user key") }
        return secret
    }

    /// Nobody has so many; without a bound, one key could fill the disk with others.
    private static let maximumCount = 1000
}
