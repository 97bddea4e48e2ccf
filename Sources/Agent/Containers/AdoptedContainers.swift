package import AgentLink
package import ContainerEngine

/// Which containers of this machine are instances: those that its owner lets be adopted, and, whatever the owner says
/// about those, the ones that this agent made.
package struct AdoptedContainers: Sendable {
    package let adoption: Adoption
    /// By which this agent knows what it made.
    package let agentID: String

    package init(_ adoption: Adoption, agentID: String) {
        self.adoption = adoption
        self.agentID = agentID
    }

    /// The container as an instance; nil when it is none.
    package func report(_ container: Container) -> InstanceReport? {
        let identity = identity(of: container)
        guard identity != nil || adoption.adopts(container.labels) else { return nil }
        let label = container.labels[ContainerLabel.name] ?? ""
        return InstanceReport(
            containerID: container.id, name: container.name, image: container.image,
            status: Adoption.status(container.status),
            owner: container.labels[ContainerLabel.owner] ?? "",
            label: label.isEmpty ? nil : label, createdAt: container.createdAt,
            startedAt: container.startedAt,
            environment: container.environment.map { entry in
                let parts = entry.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return [String(parts[0]), parts.count > 1 ? String(parts[1]) : ""]
            },
            statusMessage: container.failure.isEmpty ? nil : container.failure,
            instanceID: identity?.instanceID, generation: identity?.generation,
            ports: (identity == nil ? [] : Self.sshPort(of: container))
                + container.ports.map {
                    PortMapping(
                        port: $0.port, hostAddress: $0.hostAddress, hostPort: $0.hostPort)
                })
    }

    /// The port of its SSH server, which is the machine's and there whether the container runs or not.
    private static func sshPort(of container: Container) -> [PortMapping] {
        MachineResources.numbers(container.labels[ContainerLabel.sshPort]).map {
            PortMapping(port: "22/tcp", hostAddress: "0.0.0.0", hostPort: $0)
        }
    }

    /// Which instance it is, if this agent made it.
    func identity(of container: Container) -> InstanceIdentity? {
        InstanceIdentity(labels: container.labels, agentID: agentID)
    }
}
