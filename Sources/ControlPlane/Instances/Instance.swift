/// A container as the API knows it.
///
/// Its id is never given to another one.
package struct Instance: Sendable, Hashable, Identifiable {
    package typealias ID = Int64
    package var id: ID
    package var accountID: Account.ID
    package var machineID: Machine.ID
    /// The engine's full id.
    package var containerID: String
    /// The engine's name for it.
    package var name: String
    package var image: String
    /// What the owner calls it.
    package var label: String?
    package var status: InstanceStatus
    /// What the engine last said went wrong, if anything.
    package var statusMessage: String?
    /// Unix seconds of its creation and of its last start.
    package var createdAt: Double
    package var startedAt: Double?
    /// Environment as the container got it: pairs of name and value.
    package var environment: [[String]]

    package init(
        id: ID, accountID: Account.ID, machineID: Machine.ID, containerID: String, name: String,
        image: String, label: String?, status: InstanceStatus, statusMessage: String?,
        createdAt: Double, startedAt: Double?, environment: [[String]]
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
    }
}

/// What the engine says of an instance's container: upstream's words (contract 3.4).
package enum InstanceStatus: String, Sendable, Hashable {
    case created, running, frozen, exited, rebooting
    /// The container is on its way out, or the engine used a word that we do not know.
    case unknown

    /// Whether processes of the instance's own may be at work in its file system.
    package var isRunning: Bool {
        switch self {
        case .running, .frozen, .rebooting: true
        case .created, .exited, .unknown: false
        }
    }
}
