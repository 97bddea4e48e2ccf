package import AgentLink
package import ContainerEngine

/// Which containers become instances (`--adopt`).
package enum Adoption: String, Sendable, Hashable, CaseIterable {
    /// Those with the label `boathook.instance`.
    case label
    case all
    case none

    /// Its value is the owner's user name; empty for the first user.
    package static let ownerLabel = "boathook.instance"
    /// Its value is what the owner calls the instance.
    package static let nameLabel = "boathook.label"

    /// The label that listed containers must carry; nil for all containers.
    struct ListFilter {
        var label: String?
    }

    /// What the engine is asked for; nil when it need not be asked.
    var listFilter: ListFilter? {
        switch self {
        case .label: ListFilter(label: Self.ownerLabel)
        case .all: ListFilter(label: nil)
        case .none: nil
        }
    }

    /// The container as an instance; nil when it is not adopted.
    package func report(_ container: Container) -> InstanceReport? {
        let owner = container.labels[Self.ownerLabel]
        guard self == .all || (self == .label && owner != nil) else { return nil }
        return InstanceReport(
            containerID: container.id, name: container.name, image: container.image,
            status: Self.status(container.status), owner: owner ?? "",
            label: container.labels[Self.nameLabel], createdAt: container.createdAt,
            startedAt: container.startedAt,
            environment: container.environment.map { entry in
                let parts = entry.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return [String(parts[0]), parts.count > 1 ? String(parts[1]) : ""]
            },
            statusMessage: container.failure.isEmpty ? nil : container.failure)
    }

    /// The engine's word in upstream's (contract 3.4).
    static func status(_ word: String) -> String {
        switch word {
        case "paused": "frozen"
        case "restarting": "rebooting"
        case "stopped": "exited"
        // On its way out: there may be no file system to reach any more.
        case "removing", "dead": "unknown"
        case "configured", "initialized": "created"
        default: word
        }
    }
}
