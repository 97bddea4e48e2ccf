/// A public key that lets its holder log in to instances.
package struct SSHKey: Sendable, Hashable, Identifiable {
    package typealias ID = Int64
    package var id: ID
    package var accountID: Account.ID
    /// The one instance that it is for; nil for all of the account's, those to come included.
    package var instanceID: Instance.ID?
    package var key: SSHPublicKey
    /// Unix seconds.
    package var createdAt: Double

    package init(
        id: ID, accountID: Account.ID, instanceID: Instance.ID?, key: SSHPublicKey,
        createdAt: Double
    ) {
        self.id = id
        self.accountID = accountID
        self.instanceID = instanceID
        self.key = key
        self.createdAt = createdAt
    }
}

/// What became of a wish to write another key in the place of one.
package enum SSHKeyReplacement: Sendable, Hashable {
    case replaced(SSHKey)
    /// The account has no such key.
    case absent
    /// The account has the new one already, under another id.
    case duplicate
}
