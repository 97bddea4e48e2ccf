/// The only way to an account's keys for a caller: the lookup is the authorisation.
package struct KeyAccess: Sendable {
    private let accounts: any AccountStore
    private let time: WallTime
    private let limiter: RateLimiter<Write>

    /// - Parameters:
    ///   - accounts: Where they are kept.
    ///   - rate: How often an account may make keys, and how often revoke some, whichever of its keys ask.
    ///   - time: The clock.
    package init(
        accounts: any AccountStore, rate: CallRate = Self.defaultRate, time: WallTime
    ) {
        self.accounts = accounts
        self.time = time
        limiter = RateLimiter(rate: rate)
    }

    package static let defaultRate = CallRate(burst: 60, perSecond: 1)

    /// What is counted, each apart.
    private enum Write: Hashable {
        case make(Account.ID)
        case revoke(Account.ID)
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
    ///   ``ControlPlaneError/Code/tooFrequent``; ``ControlPlaneError/Code/invalidArguments`` when the account has
    ///   as many keys as it may.
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
        // Counting them, too, takes the store's time.
        try limiter.admit(.make(principal.account.id))
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
    ///   narrow key must not be able to lock its account's owner out. ``ControlPlaneError/Code/invalidArguments``
    ///   for the last key that may do everything: nobody could make another. ``ControlPlaneError/Code/tooFrequent``.
    package func revoke(_ id: APIKey.ID, as principal: Principal) async throws -> Bool {
        guard let key = try await key(id, as: principal) else { return false }
        if id != principal.keyID, let excess = principal.scope.excess(of: key.scope) {
            throw ControlPlaneError(
                .notAuthorized, "A key deletes no key that has more than itself: \(excess).")
        }
        try limiter.admit(.revoke(principal.account.id))
        let now = time.now()
        return try await accounts.revokeKey(id: id, orderedBy: principal.keyID, at: now) { others in
            guard !key.isFull(at: now) || others.contains(where: { $0.isFull(at: now) }) else {
                throw ControlPlaneError(
                    .invalidArguments,
                    "This is the account's only key without limits; make another one first, or have the operator revoke it (boathook admin revoke-key)."
                )
            }
        }
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

extension APIKey {
    /// Whether it may do all that its account may, at that time.
    fileprivate func isFull(at time: Double) -> Bool {
        expiresAt.map { $0 > time } ?? true && scope.excess(of: .everything) == nil
    }
}
