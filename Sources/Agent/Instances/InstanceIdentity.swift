internal import AgentLink
internal import ContainerEngine

extension ContainerLabel {
    /// Value: the agent that made the container.
    ///
    /// Several agents may share an engine, each with a server that counts its instances from 1.
    package static let agent = "boathook.agent"
    /// Value: the host's ports that the container has, separated by commas, whether it runs or not.
    package static let ports = "boathook.instance.ports"
}

/// Which instance a container is, as its labels say.
struct InstanceIdentity: Sendable, Hashable {
    var instanceID: Int64
    var generation: Int64

    /// - Parameters:
    ///   - labels: The container's.
    ///   - agentID: This agent's; nil unless it made the container.
    init?(labels: [String: String], agentID: String) {
        guard labels[ContainerLabel.agent] == agentID,
            let id = labels[ContainerLabel.instanceID].flatMap({ Int64($0) }),
            let generation = labels[ContainerLabel.generation].flatMap({ Int64($0) })
        else { return nil }
        instanceID = id
        self.generation = generation
    }

    init(instanceID: Int64, generation: Int64) {
        self.instanceID = instanceID
        self.generation = generation
    }

    /// By which people find it; another agent's container may have it already.
    var containerName: String { "boathook-\(instanceID)-\(generation)" }

    /// Of this agent's alone: what another one's instance of the same number has written is nobody's business here.
    func volumeName(_ name: String, agentID: String) -> String {
        "boathook-\(agentID)-\(instanceID)-\(name)"
    }
}
