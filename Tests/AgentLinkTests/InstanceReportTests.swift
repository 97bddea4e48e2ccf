import AgentLink
import Testing

/// What a machine says of its containers is not trusted.
@Suite struct InstanceReportTests {
    static let honest = InstanceReport(
        containerID: String(repeating: "0a", count: 32), name: "web", image: "debian:12",
        status: "running", owner: "maria", label: "née", createdAt: 1.7e9, startedAt: 1.7e9,
        environment: [["A", "b"], ["C", ""]], statusMessage: "exited with status 3", instanceID: 7,
        generation: 1,
        ports: [.init(port: "22/tcp", hostAddress: "0.0.0.0", hostPort: 40_001)],
        writtenBytes: 12)

    @Test func `a container as it may be is kept as it is`() {
        #expect(Self.honest.problem == nil)
        #expect(Self.honest.bounded() == Self.honest)
    }

    struct Lie: Sendable {
        let name: String
        let tell: @Sendable (inout InstanceReport) -> Void

        init(_ name: String, _ tell: @escaping @Sendable (inout InstanceReport) -> Void) {
            self.name = name
            self.tell = tell
        }
    }

    static let lies = [
        Lie("container_id") { $0.containerID = "" },
        Lie("container_id") { $0.containerID = "../x" },
        Lie("container_id") { $0.containerID = String(repeating: "a", count: 129) },
        Lie("name") { $0.name = String(repeating: "n", count: 5000) },
        Lie("image") { $0.image = String(repeating: "n", count: 5000) },
        Lie("status") { $0.status = String(repeating: "n", count: 5000) },
        Lie("owner") { $0.owner = String(repeating: "n", count: 5000) },
        Lie("label") { $0.label = String(repeating: "n", count: 5000) },
        Lie("created_at") { $0.createdAt = .infinity },
        Lie("started_at") { $0.startedAt = .nan },
        Lie("environment") { $0.environment = [["A"]] },
        Lie("environment") { $0.environment = [[]] },
        Lie("a number") { $0.instanceID = -1 },
        Lie("a number") { $0.writtenBytes = .min },
    ]

    @Test(arguments: lies)
    func `what nobody can keep`(lie: Lie) {
        var report = Self.honest
        lie.tell(&report)
        #expect(report.problem?.hasPrefix(lie.name) == true)
    }

    @Test func `what is longer than anybody reads is cut, and the rest is kept`() {
        var report = Self.honest
        report.statusMessage = String(repeating: "é", count: 40_000)
        report.environment = [["A", String(repeating: "x", count: 70_000)]]
        report.ports = (0..<5000).map {
            .init(port: "\($0)/tcp", hostAddress: "0.0.0.0", hostPort: $0)
        }
        report.ports[1].hostAddress = String(repeating: "x", count: 1000)
        let bounded = report.bounded()
        #expect(bounded.problem == nil)
        #expect(bounded.statusMessage == String(repeating: "é", count: 500))
        #expect(bounded.environment.isEmpty)
        #expect(bounded.ports.count == 1023)
        #expect(bounded.containerID == report.containerID)
        let progress = InstanceProgress(
            instanceID: 1, number: 1, phase: .failed,
            message: "a" + String(repeating: "✓", count: 1000))
        #expect(progress.bounded().message == "a" + String(repeating: "✓", count: 333))
    }
}
