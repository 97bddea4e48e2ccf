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

    @Test func `port 22 is told once, and is the machine's SSH server where there is one`() {
        var labels = Self.made
        labels["boathook.instance.ssh"] = "40009"
        let ports = [("22/tcp", 40_001), ("22/udp", 40_002), ("80/tcp", 40_003)].map {
            Container.Port(port: $0.0, hostAddress: "0.0.0.0", hostPort: $0.1)
        }
        let report = Self.report(.none, Self.container(labels: labels, ports: ports))
        #expect(report?.ports.map(\.port) == ["22/tcp", "22/udp", "80/tcp"])
        #expect(report?.ports.map(\.hostPort) == [40_009, 40_002, 40_003])
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

    /// `Error` is the word that clients look for (contract 3.4).
    @Test(arguments: [
        ("exited", "", Container.End(code: 0), "exited with status 0"),
        ("exited", "", .init(code: 3), "exited with status 3"),
        ("exited", "", .init(code: 137), "killed by signal 9"),
        ("exited", "", .init(code: 143), "killed by signal 15"),
        ("exited", "", .init(code: 137, wasOutOfMemory: true), "killed (out of memory)"),
        (
            "exited", "", .init(code: 1, wasOutOfMemory: true),
            "exited with status 1 (out of memory)"
        ),
        ("exited", "", .init(code: 255), "exited with status 255"),
        ("exited", "no such file", .init(code: 127), "Error: no such file"),
        ("created", "no such file", nil, "Error: no such file"), ("exited", "", nil, nil),
        ("running", "", nil, nil), ("running", "from before", nil, nil), ("paused", "", nil, nil),
    ])
    func `how it ended is told`(
        status: String, failure: String, end: Container.End?, message: String?
    ) {
        var container = Self.container(labels: Self.made, status: status)
        (container.failure, container.end) = (failure, end)
        #expect(Self.report(.none, container)?.statusMessage == message)
    }

    @Test func `an image's environment has a bound`() {
        var container = Self.container(labels: Self.made)
        let entry = "A=" + String(repeating: "x", count: 1022)
        container.environment = Array(repeating: entry, count: 3000)
        #expect(Self.report(.none, container)?.environment.count == 64)
        container.environment = ["A=" + String(repeating: "x", count: 1 << 20)]
        #expect(Self.report(.none, container)?.environment.isEmpty == true)
    }

    @Test func `the environment becomes pairs`() {
        let report = Self.report(.all, Self.container(labels: [:]))
        #expect(report?.environment == [["A", "1"], ["B", ""], ["C", "x=y"]])
    }
}
