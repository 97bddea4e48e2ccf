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

/// A server that has lost the key with which specifications are sealed (docs/instances.md).
@Suite(.timeLimit(.minutes(3))) struct LostKeyTests {
    /// An instance that runs, and whose specification another server sealed.
    private func make(_ server: TestServer) async throws -> Int64 {
        let account = try #require(try await server.store.account(named: "maria")).id
        let offer = try #require(try await server.store.offers().first).id
        let box = SecretBox(key: Array(repeating: 8, count: SecretBox.keyByteCount))
        let id = try await server.store.create(
            NewInstance(
                accountID: account, offerID: offer, image: "a", label: nil, state: .running,
                diskGB: 8, runtype: "ssh", hiddenNames: [], keyDigest: Secret().digest,
                order: RepeatableOrder(keyID: 1, digest: [1], at: 1) { _ in false }
            ) { id, _ in try box.seal(Array("{}".utf8), for: "specification/\(id)") },
            noting: AuditEntry(time: 1, event: .apiCalled, accountID: account)
        ).wish.instance.id
        var report = InstanceReport.sample("c3", owner: "maria")
        (report.instanceID, report.generation) = (id, 1)
        try await server.agent.tell(
            .instanceChanged(report),
            .instanceProgress(.init(instanceID: id, number: 1, phase: .done, message: "")))
        return id
    }

    @Test func `what is there is stopped and started without it, and not made anew`()
        async throws
    {
        try await LifecycleRouteTests.withMachine { server, client, orders in
            let id = try await make(server)
            for (index, state) in ["stopped", "running"].enumerated() {
                let changed = try await client.send(
                    .put, APIPath.instance(id), key: server.key, json: #"{"state": "\#(state)"}"#)
                #expect(changed.status == .ok)
                #expect(changed.text == #"{"success":true}"#)
                guard case .wantInstance(let order) = await orders.order(index) else {
                    Issue.record("another order")
                    return
                }
                #expect(order.state.rawValue == state)
                #expect(order.specification == nil)
                #expect(order.generation == 1, "of one that was made, not of an adopted one")
            }
            let before = try #require(try await server.store.wish(for: id))
            let recycled = try await client.send(
                .put, "/api/v0/instances/recycle/\(id)/", key: server.key, json: "{}")
            #expect(recycled.status == .conflict)
            #expect(try recycled.decoded(ErrorReply.self).error == "unreadable_secret")
            #expect(try await server.store.wish(for: id) == before, "nothing was written down")
        }
    }

    @Test func `a machine that comes back hears of it too`() async throws {
        try await TestServer.with { server, _ in
            try await server.agent.tell(.machine(.sample(slots: 2, diskFreeGB: 50)))
            let id = try await make(server)
            for await message in try await server.gateway.attach(
                server.machine, hello: AgentHello(heldCommandIDs: []))
            {
                guard case .wantInstance(let order) = message else { continue }
                #expect(order.instanceID == id)
                #expect(order.isSettled)
                #expect(order.specification == nil)
                break
            }
        }
    }
}
