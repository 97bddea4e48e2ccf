import Agent
import AgentLink
import ContainerEngine
import Testing

@Suite struct AdoptionTests {
    static let agentID = "00112233aabbccdd"

    static func container(
        labels: [String: String], status: String = "running", ports: [Container.Port] = []
    ) -> Container {
        Container(
            id: "c1", name: "web", image: "debian", labels: labels,
            environment: ["A=1", "B", "C=x=y"], status: status, processID: 1, failure: "",
            createdAt: 1, startedAt: 2, storage: .unsupported(driver: "vfs"), mounts: [],
            ports: ports)
    }

    static func report(_ adoption: Adoption, _ container: Container) -> InstanceReport? {
        AdoptedContainers(adoption, agentID: agentID).report(container)
    }

    static let made = [
        "boathook.instance": "maria", "boathook.label": "", "boathook.agent": agentID,
        "boathook.instance.id": "7", "boathook.instance.generation": "2",
    ]

    @Test func `the label decides, unless all or none are adopted`() {
        let labelled = Self.container(labels: [
            "boathook.instance": "maria", "boathook.label": "box",
        ])
        let plain = Self.container(labels: [:])
        #expect(Self.report(.label, labelled)?.owner == "maria")
        #expect(Self.report(.label, labelled)?.label == "box")
        #expect(Self.report(.label, labelled)?.instanceID == nil)
        #expect(Self.report(.label, plain) == nil)
        #expect(Self.report(.all, plain)?.owner == "")
        #expect(Self.report(.none, labelled) == nil)
    }

    @Test(arguments: Adoption.allCases)
    func `what the agent made is an instance in any case`(adoption: Adoption) {
        let port = Container.Port(port: "22/tcp", hostAddress: "0.0.0.0", hostPort: 40_001)
        let report = Self.report(
            adoption, Self.container(labels: Self.made, ports: [port]))
        #expect(report?.instanceID == 7)
        #expect(report?.generation == 2)
        #expect(report?.owner == "maria")
        #expect(report?.label == nil)
        #expect(
            report?.ports == [
                PortMapping(port: "22/tcp", hostAddress: "0.0.0.0", hostPort: 40_001)
            ])
    }

    @Test(arguments: [
        ("boathook.agent", "ffffffffffffffff"), ("boathook.agent", nil),
        ("boathook.instance.id", "x"), ("boathook.instance.generation", nil),
    ])
    func `what another agent made is a container like any other`(label: String, value: String?) {
        var labels = Self.made
        labels[label] = value
        let container = Self.container(labels: labels)
        #expect(Self.report(.none, container) == nil)
        #expect(Self.report(.label, container)?.instanceID == nil)
        #expect(Self.report(.label, container)?.generation == nil)
    }

    @Test(arguments: [
        ("created", "created"), ("running", "running"), ("paused", "frozen"),
        ("restarting", "rebooting"), ("removing", "unknown"), ("exited", "exited"),
        ("dead", "unknown"),
    ])
    func `the engine's words become upstream's`(word: String, status: String) {
        let container = Self.container(labels: ["boathook.instance": ""], status: word)
        #expect(Self.report(.label, container)?.status == status)
    }

    @Test func `the environment becomes pairs`() {
        let report = Self.report(.all, Self.container(labels: [:]))
        #expect(report?.environment == [["A", "1"], ["B", ""], ["C", "x=y"]])
    }
}
