/// Who owns instances and keys.
///
/// Called a user on the wire.
package struct Account: Sendable, Hashable, Identifiable {
    package typealias ID = Int64
    package var id: ID
    /// Unique; the value of the label `boathook.instance` names it.
    package var name: String
    /// A blocked account keeps its data and may do nothing (403 on the wire).
    package var isBlocked: Bool

    package init(id: ID, name: String, isBlocked: Bool = false) {
        self.id = id
        self.name = name
        self.isBlocked = isBlocked
    }
}

/// An account's key, without the key: the store has its digest alone.
package struct APIKey: Sendable, Hashable, Identifiable {
    package typealias ID = Int64
    package var id: ID
    package var accountID: Account.ID
    package var name: String
    package var scope: KeyScope
    /// From when on it is useless, in Unix seconds; nil for never.
    package var expiresAt: Double?

    package init(
        id: ID, accountID: Account.ID, name: String, scope: KeyScope = .everything,
        expiresAt: Double? = nil
    ) {
        self.id = id
        self.accountID = accountID
        self.name = name
        self.scope = scope
        self.expiresAt = expiresAt
    }
}

/// On whose behalf a request acts.
package struct Principal: Sendable, Hashable {
    package var account: Account
    package var keyID: APIKey.ID
    /// What the key may do.
    package var scope: KeyScope
    /// When the key ends, in Unix seconds; nil for never.
    package var expiresAt: Double?
    /// From where the request comes, where that is known.
    package var address: String?

    package init(
        account: Account, keyID: APIKey.ID, scope: KeyScope = .everything,
        expiresAt: Double? = nil
    ) {
        self.account = account
        self.keyID = keyID
        self.scope = scope
        self.expiresAt = expiresAt
    }
}
