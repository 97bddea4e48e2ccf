import AgentLink
import AgentSimulator
import ControlPlane
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// A caller whose answer got lost asks again: what has happened meanwhile must not make it believe that nothing ran.
@Suite struct RepeatedOrderTests {
    private func order(
        _ server: TestServer, _ client: some TestClientProtocol, named name: String? = "one",
        _ body: String = #"{"command":"rm x"}"#, key: String? = nil
    ) async throws -> TestResponse {
        var headers: HTTPFields = [:]
        headers[try #require(HTTPField.Name("Idempotency-Key"))] = name
        return try await client.send(
            .put, APIPath.execute(instance: server.instance), key: key ?? server.key, json: body,
            headers: headers)
    }

    @Test func `a named order is its command also when the container is gone`() async throws {
        try await TestServer.with { server, client in
            let first = try await order(server, client).decoded(ExecuteReply.self)
            try await server.agent.report([.sample("c2", owner: "noor")])
            let without = try await order(server, client, named: nil)
            #expect(without.status == .badRequest, "the container is gone")

            let response = try await order(server, client)
            #expect(response.status == .ok)
            let again = try response.decoded(ExecuteReply.self)
            #expect(again.commandID == first.commandID)
            #expect(again.resultURL != first.resultURL, "its caller has a URL of its own")
            let events = try await server.store.auditEntries(after: 0, limit: 100)
                .compactMap(\.entry).filter { $0.commandID == first.commandID }.map(\.event)
            #expect(events == [.commandAccepted, .commandRepeated])
        }
    }

    @Test func `and when the instance was started, where only stopped ones take orders`()
        async throws
    {
        try await TestServer.with(compatibility: .vastStrict) { server, client in
            let others = InstanceReport.sample("c2", owner: "noor")
            try await server.agent.report([
                .sample("c1", owner: "maria", status: "exited"), others,
            ])
            let first = try await order(server, client).decoded(ExecuteReply.self)
            try await server.agent.report([.sample("c1", owner: "maria"), others])
            #expect(try await order(server, client, named: nil).status == .badRequest)
            let again = try await order(server, client).decoded(ExecuteReply.self)
            #expect(again.commandID == first.commandID)
        }
    }

    @Test func `and when its program was switched off, or its instance`() async throws {
        try await TestServer.with { server, client in
            let first = try await order(server, client).decoded(ExecuteReply.self)
            for target in [OffSwitch.Target.program("rm"), .instance(server.instance)] {
                try await server.store.switchOff(OffSwitch(target: target, reason: "", since: 1))
                try await server.switches.refresh()
                #expect(try await order(server, client, named: nil).status == .forbidden)
                let again = try await order(server, client).decoded(ExecuteReply.self)
                #expect(again.commandID == first.commandID)
            }
        }
    }

    @Test func `the timeout is a part of the order, as the caller gave it`() async throws {
        try await TestServer.with { server, client in
            let with = #"{"command":"ls","timeout":60}"#
            let without = #"{"command":"ls"}"#
            for (name, body, other) in [("a", with, without), ("b", without, with)] {
                let first = try await order(server, client, named: name, body)
                    .decoded(ExecuteReply.self)
                let again = try await order(server, client, named: name, body)
                    .decoded(ExecuteReply.self)
                #expect(again.commandID == first.commandID)
                let mismatch = try await order(server, client, named: name, other)
                #expect(mismatch.status == .unprocessableContent)
                #expect(try mismatch.decoded(ErrorReply.self).error == "idempotency_mismatch")
            }
        }
    }

    @Test func `a name that is another key's says nothing of its order`() async throws {
        try await TestServer.with { server, client in
            _ = try await order(server, client)
            let account = try #require(try await server.store.account(named: "maria"))
            let secret = Secret()
            _ = try await server.store.addKey(
                secret.digest, name: "second", account: account.id, at: 1)
            try await server.agent.report([.sample("c2", owner: "noor")])
            for (key, status) in [
                (secret.text, HTTPResponse.Status.badRequest), (server.otherKey, .notFound),
            ] {
                #expect(try await order(server, client, key: key).status == status)
            }
        }
    }
}
