import APIServer
import AgentLink
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
