/// What a principal wants of an instance.
package enum InstanceAction: Sendable, Hashable {
    case show, execute
}

/// The only way to an instance: the lookup is the authorisation.
///
/// Whoever holds an `Instance` has said what for.
package struct InstanceAccess: Sendable {
    private let instances: any InstanceStore

    package init(instances: any InstanceStore) {
        self.instances = instances
    }

    /// - Throws: ``ControlPlaneError/Code/instanceNotFound``, the same for an instance that is absent
    ///   and for one that is somebody else's; ``ControlPlaneError/Code/containerGone`` to execute on one
    ///   of the principal's own that was destroyed.
    package func instance(
        _ id: Instance.ID, as principal: Principal, to action: InstanceAction
    ) async throws -> Instance {
        guard let instance = try await instances.instance(id, account: principal.account.id)
        else {
            if action == .execute,
                try await instances.isRemoved(id, account: principal.account.id)
            {
                throw ControlPlaneError(.containerGone, "The instance's container is gone.")
            }
            throw ControlPlaneError(.instanceNotFound, "Instance not found.")
        }
        return instance
    }

    /// Whether the principal's account had an instance of that id, whose container is gone.
    package func wasThere(_ id: Instance.ID, _ principal: Principal) async throws -> Bool {
        try await instances.isRemoved(id, account: principal.account.id)
    }

    /// How far the end of an instance of the principal's account is.
    ///
    /// - Throws: ``ControlPlaneError/Code/instanceNotFound`` for one that the account never had.
    package func destruction(of id: Instance.ID, as principal: Principal) async throws
        -> Destruction
    {
        guard
            let destruction = try await instances.destruction(
                of: id, account: principal.account.id)
        else { throw ControlPlaneError(.instanceNotFound, "Instance not found.") }
        return destruction
    }

    /// All that the principal may see, by ascending id.
    package func instances(of principal: Principal) async throws -> [Instance] {
        try await instances.instances(account: principal.account.id)
            .filter { principal.scope.lists(instance: $0.id) }
    }
}
