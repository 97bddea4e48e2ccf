package import AgentLink

/// What is to be different in an instance's next container.
package struct InstanceUpdate: Sendable {
    /// From what it is made now to what it is made from then on; of the environment it is given what is the instance's
    /// own, without what its account gives it and without its key.
    package var change: @Sendable (_ made: ContainerSpecification) throws -> ContainerSpecification
    /// As a create has it; nil for the one that it has.
    package var runtype: String?
    /// The template that it is made from now; nil when that stays as it is.
    package var origin: InstanceOrigin?
    /// What the audit log gets; nothing of it is secret.
    package var auditArguments: [String: String]

    package init(
        runtype: String? = nil, origin: InstanceOrigin? = nil,
        auditArguments: [String: String] = [:],
        change: @escaping @Sendable (ContainerSpecification) throws -> ContainerSpecification
    ) {
        self.change = change
        self.runtype = runtype
        self.origin = origin
        self.auditArguments = auditArguments
    }

    /// The whole of what the next container is made from.
    ///
    /// - Parameters:
    ///   - made: What the last one was made from.
    ///   - hiddenNames: The variables that are the account's, or the key.
    /// - Returns: With the same account's variables and the same key.
    /// - Throws: What ``change`` throws.
    func applied(
        to made: ContainerSpecification, hiding hiddenNames: [String]
    ) throws -> ContainerSpecification {
        let hidden = Set(hiddenNames + [CreateInstance.keyName])
        let isHidden = { (pair: [String]) in pair.first.map(hidden.contains) ?? false }
        var own = made
        own.environment.removeAll(where: isHidden)
        var next = try change(own)
        let kept = made.environment.filter(isHidden)
        next.environment = CreateInstance.merged(
            kept.filter { $0.first != CreateInstance.keyName }, next.environment,
            kept.filter { $0.first == CreateInstance.keyName })
        return next
    }
}

/// What stands in an instance's row from a renewal on; nil is what stays.
package struct InstanceRenewal: Sendable {
    /// Sealed.
    package var specification: [UInt8]?
    package var image: String?
    package var runtype: String?
    package var origin: InstanceOrigin?

    package init(
        specification: [UInt8]? = nil, image: String? = nil, runtype: String? = nil,
        origin: InstanceOrigin? = nil
    ) {
        self.specification = specification
        self.image = image
        self.runtype = runtype
        self.origin = origin
    }
}

extension InstanceStore {
    /// Writes down that the instance is to have a new container, from what is sealed when it is given, else from
    /// what the last one was made from; see ``renew(_:account:noting:by:)``.
    package func renew(
        _ id: Instance.ID, account: Account.ID, specification: [UInt8]?, image: String?,
        noting call: AuditEntry
    ) async throws -> StoredWish? {
        try await renew(id, account: account, noting: call) { _ in
            InstanceRenewal(specification: specification, image: image)
        }
    }
}
