import AgentLink
import ContainerEngine
import Synchronization
import Testing

@testable import Agent

@Suite struct InstanceLimitsTests {
    @Test func `more ports, volumes or words than a machine gives are refused`() throws {
        var specification = InstanceCreationTests.specification()
        specification.ports = (1...64).map { .init(number: $0, transport: "tcp", hostPort: nil) }
        specification.volumes = (1...16).map { .init(name: "v\($0)", path: "/v\($0)") }
        specification.environment = [["A", String(repeating: "x", count: 200_000)]]
        _ = try InstanceCreationTests.prepared(specification)

        var ports = specification
        ports.ports.append(.init(number: 65, transport: "tcp", hostPort: nil))
        var volumes = specification
        volumes.volumes.append(.init(name: "v17", path: "/v17"))
        var text = specification
        text.environment.append(["B", String(repeating: "x", count: 62_144)])
        for (specification, words) in [
            (ports, "65 ports are too many; at most 64 are mapped"),
            (volumes, "17 volumes are too many; at most 16 are mounted"),
            (text, "at most 262144 are taken"),
        ] {
            let failure = #expect(throws: InstanceFailure.self) {
                try InstanceCreationTests.prepared(specification)
            }
            #expect(failure?.isFinal == true)
            #expect(failure?.description.hasSuffix(words) == true)
        }
    }

    @Test func `what tells nothing new is given up, and what tells is not`() async throws {
        let watch = StallWatch(limit: .milliseconds(20))
        await #expect(throws: StallWatch.Stalled(limit: .milliseconds(20))) {
            try await watch.watch { try await Task.sleep(for: .seconds(3600)) }
        }
        await #expect(throws: EngineError.self) {
            try await StallWatch(limit: .seconds(3600)).watch {
                throw EngineError(.refused, "no such host")
            }
        }
    }

    @Test func `what tells something new each time goes on for longer than the limit`() async throws
    {
        let start = ContinuousClock.now
        let now = Mutex(start)
        let sleeps = Mutex(0)
        let itself = Mutex<StallWatch?>(nil)
        let (isOver, end) = AsyncStream.makeStream(of: Never.self)
        let watch = StallWatch(limit: .seconds(1), now: { now.withLock { $0 } }) { limit in
            let count = sleeps.withLock { sleeps in
                sleeps += 1
                return sleeps
            }
            guard count <= 3 else {
                end.finish()
                return try await Task.sleep(for: .seconds(3600))
            }
            // At the last moment.
            now.withLock { $0 = limit - .milliseconds(1) }
            itself.withLock { $0 }?.hear()
            now.withLock { $0 = limit }
        }
        itself.withLock { $0 = watch }
        try await watch.watch { for await _ in isOver {} }
        #expect(now.withLock { $0 } - start > .seconds(2))
    }

    @Test func `a network keeps instances apart only if Docker's bridge says so`() {
        #expect(InstanceNetworks.ours.keepsApart)
        #expect(InstanceNetworks.ours.labels == ["boathook.network": "1"])
        #expect(!EngineNetwork(name: "boathook").keepsApart)
        #expect(
            !EngineNetwork(
                name: "boathook", driver: "macvlan", options: [EngineNetwork.connects: "false"]
            ).keepsApart)
        #expect(
            !EngineNetwork(name: "boathook", options: [EngineNetwork.connects: "true"]).keepsApart)
    }

    @Test(arguments: [
        ("boathook", true), ("bridge", true), ("host", false), ("none", false),
    ])
    func `ports are mapped where there is a network of its own`(network: String, isMapped: Bool) {
        #expect(InstanceNetworks.mapsPorts(network) == isMapped)
    }

    @Test func `a network that is gone is told from a container that is`() {
        #expect(InstanceNetworks.saysThatItIsGone("network 49b6660b71b4 not found"))
        // Docker 28.
        #expect(
            InstanceNetworks.saysThatItIsGone(
                "failed to set up container networking: network 49b6660b71b4 not found"))
        #expect(!InstanceNetworks.saysThatItIsGone("No such container: 49b6660b71b4"))
        #expect(
            !InstanceNetworks.saysThatItIsGone(
                "failed to set up container networking: endpoint of network x not found"))
        #expect(
            !InstanceNetworks.saysThatItIsGone(
                "driver failed programming external connectivity: port is already allocated"))
    }

    @Test func `without limits none is asked for, but raw packets are nobody's`() throws {
        let image = try #require(ImageName("small:1"))
        let creation = ContainerCreation(
            name: "x", image: image, labels: [:], network: "none", sharedMemoryByteCount: 1)
        let body = String(decoding: try creation.body(), as: UTF8.self)
        for name in ["PidsLimit", "Memory", "MemorySwap", "CpuShares"] {
            #expect(!body.contains("\"\(name)\""))
        }
        #expect(body.contains(#""CapDrop":["NET_RAW"]"#))
    }
}
