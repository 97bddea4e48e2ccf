internal import AgentLink

/// Which containers that Boathook did not make become instances (`--adopt`).
package enum Adoption: String, Sendable, Hashable, CaseIterable {
    /// Those with the label `boathook.instance`.
    case label
    case all
    case none

    /// The label that listed containers must carry; nil for all containers.
    ///
    /// Those that Boathook made carry the first one, too.
    var listLabel: String? {
        switch self {
        case .label: ContainerLabel.owner
        case .all: nil
        case .none: ContainerLabel.instanceID
        }
    }

    /// Whether a container with these labels is adopted.
    func adopts(_ labels: [String: String]) -> Bool {
        switch self {
        case .label: labels[ContainerLabel.owner] != nil
        case .all: true
        case .none: false
        }
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
