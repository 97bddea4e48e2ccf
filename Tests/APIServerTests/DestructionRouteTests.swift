import APIServer
import AgentLink
import AgentSimulator
import ControlPlane
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// What is left to be seen of an instance that is wished gone.
@Suite struct DestructionRouteTests {
    @Test func `an end is pending until the machine says that it is done`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, orders in
            let id = server.instance
            func look(key: String = server.key) async throws -> DestructionReply {
                let reply = try await client.send(
                    .get, APIPath.destruction(instance: id), key: key)
                #expect(reply.status == .ok)
                return try reply.decoded()
            }
            func expected(_ state: String, _ status: String?, _ message: String = "")
                -> DestructionReply
            {
                DestructionReply(
                    id: id, state: state, actualStatus: status, statusMessage: message)
            }
            #expect(try await look() == expected("none", "running"))
            let destroyed = try await client.send(
                .delete, APIPath.instance(id), key: server.key, json: "{}")
            #expect(destroyed.status == .ok)
            let row = try await client.send(.get, APIPath.instance(id), key: server.key)
            #expect(row.text == #"{"instances":null}"#, "upstream's route has it no more")
            #expect(try await look() == expected("pending", "running"))
            guard case .wantInstance(let order) = await orders.order(0) else {
                Issue.record("another order")
                return
            }
            try await server.agent.tell(
                .instanceProgress(
                    .init(
                        instanceID: id, number: order.number, phase: .failed,
                        message: "the engine does not answer")))
            #expect(
                try await look()
                    == expected("pending", "running", "Error: the engine does not answer"))
            // A container that goes is not the machine's word that nothing is left.
            try await server.agent.tell(.instanceRemoved(containerID: "c1"))
            #expect(try await look().state == "pending")
            try await server.agent.tell(
                .instanceProgress(
                    .init(instanceID: id, number: order.number, phase: .gone, message: "")))
            #expect(try await look() == expected("done", nil))
            let text = try await client.send(
                .get, APIPath.destruction(instance: id), key: server.key
            ).text
            #expect(text.contains(#""actual_status":null"#))
        }
    }

    @Test func `while the machine is away it is offline`() async throws {
        try await TestServer.with { server, client in
            _ = try await client.send(
                .delete, APIPath.instance(server.instance), key: server.key, json: "{}")
            let reply = try await client.send(
                .get, APIPath.destruction(instance: server.instance), key: server.key
            ).decoded(DestructionReply.self)
            #expect(reply.state == "pending" && reply.actualStatus == "offline")
        }
    }

    /// It is seen by whom the instance was, by its id, and by nobody else.
    @Test func `an instance that was never one's own is not there`() async throws {
        try await TestServer.with { server, client in
            let own = APIPath.destruction(instance: server.instance)
            let elsewhere = try await server.newKey(
                KeyScope(
                    permissions: KeyPermissions([
                        .instanceRead: .routes([
                            "api.instance.show": IDConstraint([.eq: .id(server.instance + 1000)])
                        ])
                    ])))
            for (path, key) in [
                (APIPath.destruction(instance: 99_999), server.key),
                (own, server.otherKey), (own, elsewhere),
            ] {
                let reply = try await client.send(.get, path, key: key)
                #expect(reply.status == .notFound)
                #expect(try reply.decoded(ErrorReply.self).error == "no_such_instance")
            }
            let bound = try await server.newKey(NewInstance.ownScope(server.instance))
            #expect(try await client.send(.get, own, key: bound).status == .ok)
            let other = try await server.newKey(KeyScope(permissions: KeyPermissions(.userRead)))
            #expect(try await client.send(.get, own, key: other).status == .forbidden)
            let wrong = try await client.send(
                .get, "/api/v0/instances/x/destruction/", key: server.key)
            #expect(wrong.status == .badRequest)
        }
    }
}
