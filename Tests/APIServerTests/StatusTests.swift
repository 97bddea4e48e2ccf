import APIServer
import AgentLink
import AgentSimulator
import ControlPlane
import HTTPTypes
import HummingbirdTesting
import StoreConformance
import Testing
import VastAPI

/// What rows say while nobody knows, and while something is being done (contract 3.4).
@Suite struct StatusTests {
    static func row(
        _ id: Int64, _ server: TestServer, _ client: any TestClientProtocol
    ) async throws -> InstanceRow {
        let shown = try await client.send(.get, APIPath.instance(id), key: server.key)
        return try #require(try shown.decoded(InstanceReply.self).instances)
    }

    @Test func `nobody knows how instances are while their engine does not answer`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, orders in
            func machine() async throws -> [String: JSONValue] {
                let list = try await client.send(.get, "/api/v0/machines", key: server.key)
                return try #require(
                    try list.decoded(JSONValue.self).object?["machines"]?.array?.first?.object)
            }
            func reboot() async throws -> TestResponse {
                try await client.send(
                    .put, "/api/v0/instances/reboot/\(server.instance)/", key: server.key,
                    json: "{}")
            }
            try await server.agent.tell(.engine(isAvailable: false))
            let away = try await Self.row(server.instance, server, client)
            #expect(away["actual_status"] == .string("unknown"))
            #expect(
                away["status_msg"] == .string("its machine's container engine does not answer"))
            let offers = try await LifecycleRouteTests.offers(client)
            #expect(!offers.isEmpty)
            #expect(offers.allSatisfy { $0["rentable"] == .bool(false) })
            #expect(try await machine()["engine_answers"] == .bool(false))
            #expect(try await machine()["online"] == .bool(true))
            let refused = try await reboot()
            #expect(refused.status == .ok)
            #expect(try refused.decoded(JSONValue.self).object?["success"] == .bool(false))
            #expect(refused.text.contains("invalid_id"))

            try await server.agent.tell(.engine(isAvailable: true))
            let back = try await Self.row(server.instance, server, client)
            #expect(back["actual_status"] == .string("running"))
            #expect(back["status_msg"] == .string(""))
            #expect(
                try await LifecycleRouteTests.offers(client)
                    .allSatisfy { $0["rentable"] == .bool(true) })
            #expect(try await machine()["engine_answers"] == .bool(true))
            #expect(try await reboot().text == #"{"success":true}"#)
            guard case .restartInstance = await orders.order(0) else {
                Issue.record("the first reboot was ordered, too")
                return
            }
        }
    }

    @Test func `an engine's silence ends with the link that told it`() async throws {
        try await TestServer.with { server, client in
            try await server.withAgent(answer: TestServer.succeed) {
                try await server.agent.tell(.engine(isAvailable: false))
                #expect(server.dispatcher.reach(server.machine.id) == .withoutEngine)
            }
            while server.dispatcher.reach(server.machine.id) != .none { await Task.yield() }
            try await server.agent.tell(.engine(isAvailable: false))
            let row = try await Self.row(server.instance, server, client)
            #expect(row["actual_status"] == .string("offline"))
            try await server.withAgent(answer: TestServer.succeed) {
                #expect(server.dispatcher.reach(server.machine.id) == .full)
            }
        }
    }

    @Test func `one that is being started has not ended, until it has or cannot be`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            let offer = Int(
                try #require(try await LifecycleRouteTests.offers(client).first?["id"]?.number))
            let made = try await client.send(
                .put, "/api/v0/asks/\(offer)/", key: server.key, json: #"{"image": "a"}"#)
            let id = try made.decoded(CreateInstanceReply.self).newContract
            var report = InstanceReport.sample("c3", owner: "maria", status: "exited")
            (report.instanceID, report.generation) = (id, 1)
            report.statusMessage = "exited with status 3"
            func tell(_ number: Int64, _ phase: InstanceProgress.Phase) async throws {
                try await server.agent.tell(
                    .instanceProgress(
                        .init(instanceID: id, number: number, phase: phase, message: "no GPU")))
            }
            func status() async throws -> JSONValue? {
                try await Self.row(id, server, client)["actual_status"]
            }
            try await server.agent.tell(.instanceChanged(report))
            #expect(try await status() == .string("loading"), "its start is not told yet")
            try await tell(1, .failed)
            #expect(try await status() == .string("exited"), "it will not start")
            report.status = "created"
            try await server.agent.tell(.instanceChanged(report))
            #expect(try await status() == .string("exited"), "nor if it was never started")
            report.status = "exited"
            try await server.agent.tell(.instanceChanged(report))
            try await tell(1, .done)
            #expect(try await status() == .string("exited"), "it was started, and has ended")

            let start = try await client.send(
                .put, APIPath.instance(id), key: server.key, json: #"{"state": "running"}"#)
            #expect(start.status == .ok)
            #expect(try await status() == .string("loading"))
            let stop = try await client.send(
                .put, APIPath.instance(id), key: server.key, json: #"{"state": "stopped"}"#)
            #expect(stop.status == .ok)
            #expect(try await status() == .string("exited"), "it does not run, as wished")
        }
    }
}
