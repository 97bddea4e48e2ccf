package import AgentLink

/// An instance before the store has given it its id.
package struct NewInstance: Sendable {
    package var accountID: Account.ID
    package var offerID: Offer.ID
    package var image: String
    package var label: String?
    package var state: InstanceOrder.State
    package var diskGB: Double
    package var runtype: String
    /// Names of variables whose values nobody is shown, and the store keeps nowhere in the open: the account's own, and
    /// that of its key.
    package var hiddenNames: [String]
    /// Its own key: what it may do depends on its id.
    package var keyDigest: SecretDigest
    /// The template that it is made from, if it is.
    package var origin: InstanceOrigin?
    /// Who ordered it and when, and by what the order is known when it comes again.
    package var order: RepeatableOrder
    /// What its container is made from, sealed, once the id and the offer are known.
    package var specification: @Sendable (Instance.ID, Offer) throws -> [UInt8]

    package init(
        accountID: Account.ID, offerID: Offer.ID, image: String, label: String?,
        state: InstanceOrder.State, diskGB: Double, runtype: String, hiddenNames: [String],
        keyDigest: SecretDigest, origin: InstanceOrigin? = nil,
        order: RepeatableOrder,
        specification: @escaping @Sendable (Instance.ID, Offer) throws -> [UInt8]
    ) {
        self.accountID = accountID
        self.offerID = offerID
        self.image = image
        self.label = label
        self.state = state
        self.diskGB = diskGB
        self.runtype = runtype
        self.hiddenNames = hiddenNames
        self.keyDigest = keyDigest
        self.origin = origin
        self.order = order
        self.specification = specification
    }

    /// What an instance's own key may do: show, start, stop and destroy that instance (contract 7.2).
    package static func ownScope(_ id: Instance.ID) -> KeyScope {
        let itself = IDConstraint([.eq: .id(id)])
        return KeyScope(
            permissions: KeyPermissions([
                .instanceRead: .routes(["api.instance.show": itself]),
                .instanceWrite: .routes([
                    "api.instance.update": itself, "api.instance.destroy": itself,
                ]),
            ]))
    }
}

/// An instance, with what its container is made from.
package struct StoredWish: Sendable, Hashable {
    package var instance: Instance
    /// Sealed; nil for a container that somebody else made.
    package var specification: [UInt8]?
    /// The variables in it whose values nobody is shown.
    package var hiddenNames: [String]

    package init(instance: Instance, specification: [UInt8]?, hiddenNames: [String] = []) {
        self.instance = instance
        self.specification = specification
        self.hiddenNames = hiddenNames
    }
}

/// How a store took a machine's word on one container.
package enum ReportOutcome: Sendable, Hashable {
    case kept
    /// It is of an instance that was destroyed: it must go.
    case unwanted(Instance.ID)
}

/// What became of a wish to change an instance's state.
package enum WishOutcome: Sendable, Hashable {
    /// It is written down.
    case wished(StoredWish)
    /// The instance's machine has no room for it to run now; nothing was written.
    case noRoom
    /// There is no such instance of the account.
    case absent
}
