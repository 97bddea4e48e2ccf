import APIServer
import AgentLink
import AgentSimulator
import ControlPlane
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import StoreConformance
import Testing
import VastAPI

/// One machine's word, and one tenant's, do no harm to the others'.
@Suite struct HostileMachineTests {
    @Test(arguments: ["9223372036854775807.0", "1.9223372036854775807.9", "-1.2", "1000000", "x.y"])
    func `a driver's version that is none ends nothing`(version: String) async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            var report = MachineReport.sample(slots: 2, diskFreeGB: 50)
            report.driverVersion = version
            try await server.store.keep(report, machine: server.machine.id, at: 9)
            let offers = try await LifecycleRouteTests.offers(client, "{}")
            #expect(!offers.isEmpty)
            #expect(offers.allSatisfy { $0["driver_vers"] == .null })
        }
    }

    /// Each costs the machine processes, and an order is one line of its link.
    @Test(arguments: [
        #""\#((1...65).map { "-p \($0)" }.joined(separator: " "))""#,
        #""\#((1...17).map { "-v v\($0):/v\($0)" }.joined(separator: " "))""#,
        #"{"-v a:/x": "1", "-v b:/x": "1"}"#,
    ])
    func `more than a machine can bear is refused`(env: String) async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            let offer = try #require(
                try await LifecycleRouteTests.offers(client).first?["id"]?.number)
            let made = try await client.send(
                .put, "/api/v0/asks/\(Int(offer))/", key: server.key,
                json: #"{"image": "debian:12", "disk": 10, "env": \#(env)}"#)
            #expect(made.status == .badRequest)
            #expect(made.text.contains("invalid_args"))
        }
    }

    /// Whoever a label names has not asked for it, and sees it in the list.
    @Test func `a machine has so many containers, and what is told of each is bounded`()
        async throws
    {
        try await TestServer.with { server, client in
            let account = try #require(try await server.store.account(named: "noor")).id
            var reports = (0...InstanceReport.maximumCount).map {
                InstanceReport.sample("x\($0)", owner: "noor")
            }
            reports[0].name = String(repeating: "n", count: 10_000)
            reports[1].statusMessage = String(repeating: "m", count: 10_000)
            try await server.agent.report(reports)
            let kept = try await server.store.instances(account: account)
            #expect(kept.count == InstanceReport.maximumCount - 1)
            #expect(!kept.contains { $0.containerID == "x0" })
            #expect(
                kept.first { $0.containerID == "x1" }?.statusMessage?.utf8.count
                    == InstanceReport.maximumMessageByteCount)
            try await server.agent.tell(
                .instanceChanged(.sample("y1", owner: "noor")),
                .instanceChanged(.sample("y2", owner: "noor")),
                .instanceChanged(.sample("x2", owner: "noor", status: "exited")))
            let now = try await server.store.instances(account: account)
            #expect(now.count == InstanceReport.maximumCount)
            #expect(now.contains { $0.containerID == "y1" })
            #expect(now.first { $0.containerID == "x2" }?.status == .exited, "what is known")
        }
    }

    @Test func `what is left of an instance whose container somebody removed is to go`()
        async throws
    {
        try await LifecycleRouteTests.withMachine { server, client, orders in
            let offer = try #require(
                try await LifecycleRouteTests.offers(client).first?["id"]?.number)
            let made = try await client.send(
                .put, APIPath.ask(Int64(offer)), key: server.key, json: #"{"image": "a"}"#)
            let id = try made.decoded(CreateInstanceReply.self).newContract
            _ = await orders.order(0)
            var report = InstanceReport.sample("c3", owner: "maria")
            (report.instanceID, report.generation) = (id, 1)
            let done = InstanceProgress(instanceID: id, number: 1, phase: .done, message: "")
            try await server.agent.tell(.instanceChanged(report), .instanceProgress(done))
            // An engine that was started without its disk tells of none; what it has is not touched.
            try await server.agent.report([])
            try await server.agent.tell(.instanceChanged(report))
            #expect(try await server.store.instance(id)?.containerID == "c3")
            try await server.agent.tell(.instanceRemoved(containerID: "c3"))
            #expect(try await server.store.instance(id) == nil)
            guard case .wantInstance(let order) = await orders.order(1) else {
                Issue.record("another order")
                return
            }
            #expect(order.isOfRemoved)
            #expect(order.instanceID == id)
            #expect(order.generation == 1, "of one that was made")
        }
    }

    @Test func `the same port many times is one`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, orders in
            let offer = try #require(
                try await LifecycleRouteTests.offers(client).first?["id"]?.number)
            let many = String(repeating: "-p 80:80 ", count: 1000)
            let made = try await client.send(
                .put, "/api/v0/asks/\(Int(offer))/", key: server.key,
                json: #"{"image": "debian:12", "disk": 10, "env": "\#(many)"}"#)
            #expect(made.status == .ok)
            guard case .wantInstance(let order) = await orders.order(0) else {
                Issue.record("another order")
                return
            }
            #expect(order.specification?.ports.count == 1)
        }
    }
}
