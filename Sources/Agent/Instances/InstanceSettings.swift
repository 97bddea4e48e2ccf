/// What this machine's owner says about the instances that are made on it.
package struct InstanceSettings: Sendable, Hashable {
    /// The network that they get.
    package enum Network: String, Sendable, Hashable, CaseIterable {
        /// As `isolated` if the engine has a bridge, and `bridge` if one of ours cannot be made there; else `none`.
        case auto
        /// One of ours, on which instances do not reach each other.
        case isolated
        case bridge, host, none
    }

    /// Whether there may be any; those that are there are looked after in any case.
    package var makesInstances: Bool
    /// How many there may be at a time.
    package var slots: Int
    /// How many processes and threads each may have; 0 for as many as it likes.
    package var processLimit: Int
    /// The machine's ports behind which theirs are reached.
    package var ports: ClosedRange<Int>
    package var network: Network
    /// Dollars an hour; see ``MachineReport/price``.
    package var price: Double
    /// Where callers from outside reach this machine.
    package var publicAddress: String
    /// For people.
    package var location: String?

    package init(
        makesInstances: Bool = true, slots: Int = 16, processLimit: Int = 4096,
        ports: ClosedRange<Int> = 20_000...29_999,
        network: Network = .auto, price: Double = 0, publicAddress: String = "127.0.0.1",
        location: String? = nil
    ) {
        self.makesInstances = makesInstances
        self.slots = slots
        self.processLimit = processLimit
        self.ports = ports
        self.network = network
        self.price = price
        self.publicAddress = publicAddress
        self.location = location
    }
}
