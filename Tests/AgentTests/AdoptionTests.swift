import Agent
import AgentLink
import ContainerEngine
import Testing

@Suite struct AdoptionTests {
    static func container(labels: [String: String], status: String = "running") -> Container {
        Container(
            id: "c1", name: "web", image: "debian", labels: labels,
            environment: ["A=1", "B", "C=x=y"], status: status, processID: 1, failure: "",
            createdAt: 1, startedAt: 2, storage: .unsupported(driver: "vfs"), mounts: [])
    }

    @Test func `the label decides, unless all or none are adopted`() {
        let labelled = Self.container(labels: [
            "boathook.instance": "maria", "boathook.label": "box",
        ])
        let plain = Self.container(labels: [:])
        #expect(Adoption.label.report(labelled)?.owner == "maria")
        #expect(Adoption.label.report(labelled)?.label == "box")
        #expect(Adoption.label.report(plain) == nil)
        #expect(Adoption.all.report(plain)?.owner == "")
        #expect(Adoption.none.report(labelled) == nil)
    }

    @Test(arguments: [
        ("created", "created"), ("running", "running"), ("paused", "frozen"),
        ("restarting", "rebooting"), ("removing", "unknown"), ("exited", "exited"),
        ("dead", "unknown"),
    ])
    func `the engine's words become upstream's`(word: String, status: String) {
        let container = Self.container(labels: ["boathook.instance": ""], status: word)
        #expect(Adoption.label.report(container)?.status == status)
    }

    @Test func `the environment becomes pairs`() {
        let report = Adoption.all.report(Self.container(labels: [:]))
        #expect(report?.environment == [["A", "1"], ["B", ""], ["C", "x=y"]])
    }
}
