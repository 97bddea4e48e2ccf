package import AgentLink

/// A container as the API knows it.
///
/// Its id is never given to another one.
package struct Instance: Sendable, Hashable, Identifiable {
    package typealias ID = Int64
    package var id: ID
    package var accountID: Account.ID
    package var machineID: Machine.ID
    /// The engine's full id; nil while there is no container.
    package var containerID: String?
    /// The engine's name for it.
    package var name: String
    package var image: String
    /// What the owner calls it.
    package var label: String?
    package var status: InstanceStatus
    /// How far it is, or what the engine last said went wrong, if anything.
    package var statusMessage: String?
    /// Unix seconds of its creation and of its last start.
    package var createdAt: Double
    package var startedAt: Double?
    /// Environment as the container got it: pairs of name and value.
    package var environment: [[String]]
    /// Where its ports are reached from outside.
    package var ports: [PortMapping] = []
    /// Bytes that it has written beside its image; nil when nobody has measured them.
    package var writtenBytes: Int64?
    /// How its owner wants it.
    package var wish: InstanceWish
    /// What it takes of its machine; nil for a container that somebody else made.
    package var contract: InstanceContract?
    /// The template that it was made from, if it was.
    package var origin: InstanceOrigin?

    package init(
        id: ID, accountID: Account.ID, machineID: Machine.ID, containerID: String?, name: String,
        image: String, label: String?, status: InstanceStatus, statusMessage: String?,
        createdAt: Double, startedAt: Double?, environment: [[String]], wish: InstanceWish,
        contract: InstanceContract? = nil
    ) {
        self.id = id
        self.accountID = accountID
        self.machineID = machineID
        self.containerID = containerID
        self.name = name
        self.image = image
        self.label = label
        self.status = status
        self.statusMessage = statusMessage
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.environment = environment
        self.wish = wish
        self.contract = contract
    }
}

/// What an instance's owner last asked for.
package struct InstanceWish: Sendable, Hashable {
    package var state: InstanceOrder.State
    /// Counts the wishes; the agent's word on one names it.
    package var number: Int64
    /// Counts the containers that it was to have.
    package var generation: Int64
    /// Whether the agent has carried it out.
    ///
    /// From then on the instance may end by itself: the wish is not
    /// sent again.
    package var isSettled: Bool

    package init(
        state: InstanceOrder.State, number: Int64 = 0, generation: Int64 = 0,
        isSettled: Bool = true
    ) {
        self.state = state
        self.number = number
        self.generation = generation
        self.isSettled = isSettled
    }
}

/// What an instance that Boathook made takes of its machine.
package struct InstanceContract: Sendable, Hashable {
    package var gpuCount: Int
    /// In GB of 10^9 bytes.
    package var diskGB: Double
    /// Dollars an hour.
    package var price: Double
    /// As its maker wrote it: tokens such as `ssh_direc ssh_proxy` (contract 4).
    package var runtype: String

    package init(gpuCount: Int, diskGB: Double, price: Double, runtype: String) {
        self.gpuCount = gpuCount
        self.diskGB = diskGB
        self.price = price
        self.runtype = runtype
    }
}

/// What the engine says of an instance's container: upstream's words (contract 3.4).
package enum InstanceStatus: String, Sendable, Hashable {
    /// Its machine has not heard of it yet: null on the wire.
    case provisioning
    /// Its image is being fetched, or its container made.
    case loading
    case created, running, frozen, exited, rebooting
    /// The container is on its way out, or the engine used a word that we do not know.
    case unknown

    /// Whether processes of the instance's own may be at work in its file system.
    package var isRunning: Bool {
        switch self {
        case .running, .frozen, .rebooting: true
        case .provisioning, .loading, .created, .exited, .unknown: false
        }
    }
}
