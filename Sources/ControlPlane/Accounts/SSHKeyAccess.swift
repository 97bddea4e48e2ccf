/// The only way to an account's SSH keys for a caller.
package struct SSHKeyAccess: Sendable {
    private let keys: any SSHKeyStore
    private let instances: InstanceAccess
    private let changed: KeysChanged
    private let time: WallTime

    /// Called when a change is durable: for which account, and for which instance if not for all of them.
    package typealias KeysChanged = @Sendable (Account.ID, Instance.ID?) async -> Void

    /// - Parameters:
    ///   - keys: Where they are kept.
    ///   - instances: Whose instances are whose.
    ///   - time: The clock.
    ///   - changed: Who tells the machines.
    package init(
        keys: any SSHKeyStore, instances: InstanceAccess, time: WallTime,
        changed: @escaping KeysChanged
    ) {
        self.keys = keys
        self.instances = instances
        self.time = time
        self.changed = changed
    }

    /// Those for all of the account's instances, by ascending id.
    package func keys(of principal: Principal) async throws -> [SSHKey] {
        try await keys.sshKeys(account: principal.account.id)
    }

    /// Lets a key log in to all of the account's instances.
    ///
    /// - Throws: ``ControlPlaneError``: `invalid_arguments` when it is there already, or there are too many;
    ///   `not_authorized`.
    package func add(_ key: SSHPublicKey, as principal: Principal) async throws -> SSHKey {
        try Self.allow(principal.scope.bars(loginTo: nil))
        let call = note(.addSSHKey, by: principal, key)
        guard
            let made = try await keys.addSSHKey(key, account: principal.account.id, noting: call)
        else { throw Self.duplicate }
        await changed(principal.account.id, nil)
        return made
    }

    /// Writes another key in the place of one.
    ///
    /// - Throws: ``ControlPlaneError``: `ssh_key_not_found`; `invalid_arguments` when the new one is there already;
    ///   `not_authorized`.
    package func replace(_ id: SSHKey.ID, with key: SSHPublicKey, as principal: Principal)
        async throws -> SSHKey
    {
        try Self.allow(principal.scope.bars(loginTo: nil))
        let call = note(.replaceSSHKey, by: principal, key, id: id)
        let outcome = try await keys.replaceSSHKey(
            id, account: principal.account.id, with: key, noting: call)
        switch outcome {
        case .absent:
            throw ControlPlaneError(
                .sshKeyNotFound, "The SSH key does not exist on this account")
        case .duplicate: throw Self.duplicate
        case .replaced(let key):
            await changed(principal.account.id, nil)
            return key
        }
    }

    /// - Returns: Whether there was such a key.
    /// - Throws: ``ControlPlaneError``: `not_authorized`.
    package func remove(_ id: SSHKey.ID, as principal: Principal) async throws -> Bool {
        try Self.allow(principal.scope.barsRemoval)
        let call = note(.removeSSHKey, by: principal, nil, id: id)
        guard
            try await keys.removeSSHKey(id, account: principal.account.id, noting: call)
        else { return false }
        await changed(principal.account.id, nil)
        return true
    }

    /// At most so many for all of an account's instances, and for one of them.
    package static let maximumCount = 100

    private static let duplicate = ControlPlaneError(
        .invalidArguments, "The SSH key already exists on this account")

    private static func allow(_ objection: String?) throws {
        if let objection { throw ControlPlaneError(.notAuthorized, objection) }
    }

    private func note(
        _ route: AccountRoute, by principal: Principal, _ key: SSHPublicKey?,
        id: SSHKey.ID? = nil, instance: Instance.ID? = nil
    ) -> AuditEntry {
        var arguments: [String: String] = [:]
        arguments["fingerprint"] = key?.fingerprint
        arguments["ssh_key_id"] = id.map(String.init)
        return .call(
            route, by: principal, instance: instance, arguments: arguments, at: time.now())
    }
}

// One instance's.
extension SSHKeyAccess {
    /// Who may log in to the instance.
    ///
    /// - Throws: ``ControlPlaneError``: `instance_not_found`.
    package func keys(of instance: Instance.ID, as principal: Principal) async throws -> [SSHKey] {
        _ = try await instances.instance(instance, as: principal, to: .show)
        return try await keys.sshKeys(instance: instance)
    }

    /// Lets a key log in to one instance.
    ///
    /// - Returns: The key; nil when it may already.
    /// - Throws: ``ControlPlaneError``: `instance_not_found`; `invalid_arguments` when there are too many;
    ///   `not_authorized`.
    package func attach(
        _ key: SSHPublicKey, to instance: Instance.ID, as principal: Principal
    ) async throws -> SSHKey? {
        switch principal.scope.answer(on: .attachSSHKey, id: instance) {
        case .open: break
        // The caller may have named another instance than the one whose route was open to it.
        case .absent: throw ControlPlaneError(.instanceNotFound, "Instance not found.")
        case .closed(let reason): throw ControlPlaneError(.notAuthorized, reason)
        }
        _ = try await instances.instance(instance, as: principal, to: .show)
        try Self.allow(principal.scope.bars(loginTo: instance))
        let call = note(.attachSSHKey, by: principal, key, instance: instance)
        guard
            let made = try await keys.attachSSHKey(
                key, to: instance, account: principal.account.id, noting: call)
        else { return nil }
        await changed(principal.account.id, instance)
        return made
    }

    /// Keeps a key out of one instance, from now on.
    ///
    /// - Returns: Whether it had been let in.
    /// - Throws: ``ControlPlaneError``: `instance_not_found`; `not_authorized`.
    package func detach(_ id: SSHKey.ID, from instance: Instance.ID, as principal: Principal)
        async throws -> Bool
    {
        _ = try await instances.instance(instance, as: principal, to: .show)
        try Self.allow(principal.scope.barsRemoval)
        let call = note(.detachSSHKey, by: principal, nil, id: id, instance: instance)
        guard
            try await keys.detachSSHKey(
                id, from: instance, account: principal.account.id, noting: call)
        else { return false }
        await changed(principal.account.id, instance)
        return true
    }
}
