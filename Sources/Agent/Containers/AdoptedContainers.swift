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
            environment: ContainerText.environment(of: container),
            statusMessage: ContainerText.end(of: container),
            instanceID: identity?.instanceID, generation: identity?.generation,
            ports: ports(of: container, isOurs: identity != nil))
    }

    /// Where the SSH server is, port 22 is its alone: clients take the first mapping that they find (contract 9).
    private func ports(of container: Container, isOurs: Bool) -> [PortMapping] {
        let ssh = isOurs ? Self.sshPort(of: container) : []
        let others = container.ports.filter { other in !ssh.contains { $0.port == other.port } }
        return ssh
            + others.map {
                PortMapping(port: $0.port, hostAddress: $0.hostAddress, hostPort: $0.hostPort)
            }
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
