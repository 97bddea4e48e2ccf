// The ports of what else belongs to an account. As in `Stores.swift`: one adapter implements them all, and a call
// that returned is durable. A change takes the entry of the audit log that tells of it, and writes both or neither.

/// Keys for logging in to instances.
package protocol SSHKeyStore: Sendable {
    /// Those for all of the account's instances, by ascending id.
    func sshKeys(account: Account.ID) async throws -> [SSHKey]
    /// Who may log in to an instance, by ascending id: the account's keys that were not detached from it, and those
    /// attached to it alone. A key that is there in both ways is there once.
    func sshKeys(instance: Instance.ID) async throws -> [SSHKey]
    /// Keeps a key for all of the account's instances; nil when it is one already.
    ///
    /// - Throws: ``ControlPlaneError/Code/invalidArguments`` when the account has ``SSHKeyAccess/maximumCount``.
    func addSSHKey(_ key: SSHPublicKey, account: Account.ID, noting call: AuditEntry) async throws
        -> SSHKey?
    /// Writes another key in the place of one for all of the account's instances.
    func replaceSSHKey(
        _ id: SSHKey.ID, account: Account.ID, with key: SSHPublicKey, noting call: AuditEntry
    ) async throws -> SSHKeyReplacement
    /// Removes a key for all of the account's instances; returns whether there was one. Instances to which the same
    /// key was attached by itself keep it.
    func removeSSHKey(_ id: SSHKey.ID, account: Account.ID, noting call: AuditEntry) async throws
        -> Bool
    /// Lets a key log in to one instance of the account; nil when it may already.
    ///
    /// - Throws: ``ControlPlaneError/Code/invalidArguments`` when ``SSHKeyAccess/maximumCount`` may.
    func attachSSHKey(
        _ key: SSHPublicKey, to instance: Instance.ID, account: Account.ID,
        noting call: AuditEntry
    ) async throws -> SSHKey?
    /// Keeps a key out of one instance of the account, also one for all of them; returns whether it had been let in.
    func detachSSHKey(
        _ id: SSHKey.ID, from instance: Instance.ID, account: Account.ID, noting call: AuditEntry
    ) async throws -> Bool
}

extension SSHKeyStore {
    /// The lines of `authorized_keys` for an instance.
    package func authorizedKeys(instance: Instance.ID) async throws -> [String] {
        try await sshKeys(instance: instance).map(\.key.line)
    }
}

/// Environment variables that an account gives to each instance it makes; values come and go sealed.
package protocol EnvironmentStore: Sendable {
    /// By ascending name.
    func environmentVariables(account: Account.ID) async throws -> [SealedVariable]
    /// Keeps variables, or replaces those of the same names: all of them or none; returns whether it did.
    ///
    /// - Parameters:
    ///   - variables: Each name once.
    ///   - account: Whose they are.
    ///   - areThere: Whether each name has to be there before.
    ///   - call: What the audit log gets.
    /// - Returns: False when one is not there that has to be.
    /// - Throws: ``ControlPlaneError/Code/invalidArguments`` when the account would have more than
    ///   ``EnvironmentAccess/maximumCount``; what the store throws.
    func setEnvironmentVariables(
        _ variables: [SealedVariable], account: Account.ID, areThere: Bool,
        noting call: AuditEntry
    ) async throws -> Bool
    /// Returns whether there was one of that name.
    func removeEnvironmentVariable(
        _ name: String, account: Account.ID, noting call: AuditEntry
    ) async throws -> Bool
}

/// An environment variable as it is kept.
package struct SealedVariable: Sendable, Hashable {
    package var name: String
    /// What ``SecretBox`` made of the value.
    package var sealed: [UInt8]

    package init(name: String, sealed: [UInt8]) {
        self.name = name
        self.sealed = sealed
    }
}

/// From where an account's keys were used.
package protocol AddressStore: Sendable {
    /// The account's newest addresses, newest first, at most ``AccountAddresses/maximumCount``.
    func addresses(account: Account.ID) async throws -> [SeenAddress]
    /// Notes an address if it is not known; of more than ``AccountAddresses/maximumCount``, the oldest go.
    func note(address: String, account: Account.ID, at time: Double) async throws
}

/// An address from which an account's keys were used.
package struct SeenAddress: Sendable, Hashable {
    package var address: String
    /// Unix seconds.
    package var firstSeen: Double

    package init(address: String, firstSeen: Double) {
        self.address = address
        self.firstSeen = firstSeen
    }
}

/// The part of the audit log that tells of one account.
package protocol AccountAuditStore: Sendable {
    /// Entries of the account, newest first.
    ///
    /// - Parameters:
    ///   - account: Of which the entries tell.
    ///   - key: Of this key alone, when it is given.
    ///   - before: With smaller numbers than this one, when it is given.
    ///   - limit: How many at most.
    /// - Returns: The records.
    /// - Throws: What the store throws.
    func auditEntries(
        account: Account.ID, key: APIKey.ID?, before: Int64?, limit: Int
    ) async throws -> [AuditRecord]
    /// How many there are, counted up to ``AccountAudit/maximumCount``.
    func auditCount(account: Account.ID, key: APIKey.ID?) async throws -> Int64
}
