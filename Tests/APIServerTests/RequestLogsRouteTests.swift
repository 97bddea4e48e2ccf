import APIServer
import AgentLink
import AgentSimulator
import CommandPolicy
import ControlPlane
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOConcurrencyHelpers
import SQLiteStore
import Testing
import VastAPI

/// `PUT /api/v0/instances/request_logs/{id}/` (contract 2): a command like another one, once it is accepted.
@Suite struct RequestLogsRouteTests {
    private func request(
        _ server: TestServer, _ client: some TestClientProtocol, _ body: String = "{}",
        instance: Int64? = nil, key: String? = nil, headers: HTTPFields = [:]
    ) async throws -> TestResponse {
        try await client.send(
            .put, APIPath.requestLogs(instance: instance ?? server.instance),
            key: key ?? server.key, json: body, headers: headers)
    }

    @Test func `the machine is asked for the log, and its bytes are at the result's URL`()
        async throws
    {
        try await TestServer.with { server, client in
            let orders = NIOLockedValueBox<[RunCommand]>([])
            try await server.withAgent(answer: { order in
                orders.withLockedValue { $0.append(order) }
                return await TestServer.succeed(order)
            }) {
                let response = try await request(
                    server, client,
                    #"{"tail": "20", "filter": "two words", "daemon_logs": null, "x": 1}"#,
                    headers: [.init("Prefer")!: "wait=30"])
                #expect(response.status == .ok)
                #expect(response.headers[.contentType] == "application/json")
                let reply = try response.decoded(LogsReply.self)
                #expect(reply.success && !reply.msg.isEmpty)
                #expect(reply.resultURL.hasPrefix("https://boathook.example/results/"))
                let row = try #require(reply.result)
                #expect(row.final && row.state == "exited" && row.complete == true)
                #expect(row.command == "logs --tail 20 --filter 'two words'")
                #expect(row.sha256?.utf8.count == 64)
                let path = String(reply.resultURL.dropFirst("https://boathook.example".utf8.count))
                let result = try await client.send(.get, path)
                #expect(result.status == .ok && result.text == "héllo ✓\noops\n")
                // With the other commands, by its id.
                #expect(
                    try await client.send(.get, APIPath.command(row.id), key: server.key).status
                        == .ok)
            }
            let order = try #require(orders.withLockedValue { $0 }.first)
            #expect(order.argv == ["logs", "--tail", "20", "--filter", "two words"])
            #expect(order.backend == .logs && !order.writes && order.removal == nil)
            #expect(order.timeoutMilliseconds == 60_000)
        }
    }

    @Test(arguments: [
        (#"{}"#, ["logs", "--tail", "1000"]), (#"{"tail": null}"#, ["logs", "--tail", "1000"]),
        (#"{"tail": 0}"#, ["logs", "--tail", "0"]),
        (#"{"tail": "100000"}"#, ["logs", "--tail", "100000"]),
        (#"{"filter": "", "daemon_logs": "false"}"#, ["logs", "--tail", "1000"]),
        (#"{"filter": "é"}"#, ["logs", "--tail", "1000", "--filter", "é"]),
        (#"{"follow": true, "tail": 1}"#, ["logs", "--tail", "1", "--follow"]),
        (#"{"daemon_logs": "true"}"#, ["logs", "--daemon", "ID", "--tail", "1000"]),
        (#"{"daemon_logs": true}"#, ["logs", "--daemon", "ID", "--tail", "1000"]),
    ])
    func `what bodies mean`(body: String, words: [String]) async throws {
        try await TestServer.with { server, client in
            let reply = try await request(server, client, body).decoded(LogsReply.self)
            let command = try #require(try await server.store.command(reply.commandID))
            #expect(
                command.decision.argv == words.map { $0 == "ID" ? "\(server.instance)" : $0 })
            #expect(command.timeoutSeconds == (body.contains("follow") ? 86_400 : 60))
        }
    }

    @Test(arguments: [
        #"{"tail": "x"}"#, #"{"tail": ""}"#, #"{"tail": -1}"#, #"{"tail": "-1"}"#,
        #"{"tail": 100001}"#, #"{"tail": "100001"}"#, #"{"tail": 1.5}"#, #"{"tail": [1]}"#,
        #"{"tail": "99999999999999999999"}"#, #"{"tail": " 1"}"#, #"{"filter": 5}"#,
        #"{"filter": "a\nb"}"#, #"{"filter": "a\u0000"}"#, #"{"daemon_logs": "yes"}"#,
        #"{"daemon_logs": 1}"#, #"{"follow": "maybe"}"#,
        #"{"follow": true, "daemon_logs": "true"}"#,
    ])
    func `bodies that mean nothing are 400`(body: String) async throws {
        try await TestServer.with { server, client in
            let response = try await request(server, client, body)
            #expect(response.status == .badRequest)
            #expect(try response.decoded(ErrorReply.self).error == "invalid_args")
        }
    }

    @Test func `a filter has 512 bytes, and no more`() async throws {
        try await TestServer.with { server, client in
            let longest = String(repeating: "é", count: 256)
            let taken = try await request(server, client, #"{"filter": "\#(longest)"}"#)
            #expect(taken.status == .ok)
            let refused = try await request(server, client, #"{"filter": "\#(longest)x"}"#)
            #expect(refused.status == .badRequest)
        }
    }

    /// All its fields may be left out (contract 2), and so may the body.
    @Test func `no body at all asks for the log as it is`() async throws {
        try await TestServer.with { server, client in
            let response = try await client.send(
                .put, APIPath.requestLogs(instance: server.instance), key: server.key)
            #expect(response.status == .ok)
            let reply = try response.decoded(LogsReply.self)
            let command = try #require(try await server.store.command(reply.commandID))
            #expect(command.decision.argv == ["logs", "--tail", "1000"])
            let execute = try await client.send(
                .put, APIPath.execute(instance: server.instance), key: server.key)
            #expect(execute.status.code == 483, "where something has to be said, nothing is not it")
        }
    }

    @Test(arguments: [" ", "[]", #"{"tail": 1,}"#, #"{"tail": 1, "tail": 2}"#])
    func `a body that is no JSON object is 483`(body: String) async throws {
        try await TestServer.with { server, client in
            let response = try await request(server, client, body)
            #expect(response.status.code == 483)
        }
    }

    @Test func `an instance that is absent, somebody else's or gone is 404 invalid_id`()
        async throws
    {
        try await TestServer.with { server, client in
            var texts: Set<String> = []
            for id in [server.otherInstance, 987_654_321] {
                let response = try await request(server, client, instance: id)
                #expect(response.status == .notFound)
                texts.insert(response.text)
            }
            #expect(
                texts == [#"{"error":"invalid_id","msg":"Instance not found.","success":false}"#])
            try await server.agent.report([])
            let gone = try await request(server, client)
            #expect(gone.status == .notFound)
            #expect(try gone.decoded(ErrorReply.self).error == "invalid_id")
            let odd = try await client.send(
                .put, "/api/v0/instances/request_logs/abc/", key: server.key, json: "{}")
            #expect(try odd.decoded(ErrorReply.self).msg == "Invalid instance_id.")
        }
    }

    @Test(arguments: ["running", "exited", "created"])
    func `instances have logs whether they run or not, however strict the server is`(
        status: String
    ) async throws {
        try await TestServer.with(compatibility: .vastStrict) { server, client in
            try await server.agent.report([.sample("c1", owner: "maria", status: status)])
            #expect(try await request(server, client).status == .ok)
        }
    }

    @Test func `a key that reads may ask; one that is bound to paths or commands may not`()
        async throws
    {
        try await TestServer.with { server, client in
            let before = try await server.store.auditHead()?.sequence ?? 0
            for (scope, status) in [
                (KeyScope.agent, HTTPResponse.Status.ok),
                (KeyScope(permissions: KeyPermissions(.instanceWrite)), .forbidden),
                (KeyScope(paths: ["/workspace"]), .forbidden),
                (KeyScope(commands: ["vast"]), .forbidden),
                (KeyScope(commands: ["vast", "boathook/logs"]), .ok),
            ] {
                let key = try await server.newKey(scope)
                let response = try await request(server, client, key: key)
                #expect(response.status == status, "\(scope)")
                if status == .forbidden {
                    #expect(try response.decoded(ErrorReply.self).error == "not_authorized")
                }
            }
            let entries = try await server.store.auditEntries(after: before, limit: 20)
                .compactMap(\.entry)
                .filter { [.commandAccepted, .commandDenied].contains($0.event) }
            #expect(
                entries.map(\.event) == [
                    .commandAccepted, .commandDenied, .commandDenied, .commandDenied,
                    .commandAccepted,
                ])
            #expect(entries.allSatisfy { $0.instanceID == server.instance })
            // Of the one that permissions refused nothing was read.
            #expect(
                entries.map(\.text) == [
                    "logs --tail 1000", nil, "logs --tail 1000", "logs --tail 1000",
                    "logs --tail 1000",
                ])
        }
    }

    @Test func `requests count for the rate, and what is switched off has no log`() async throws {
        try await TestServer.with(rate: CallRate(burst: 2, perSecond: 0.001)) { server, client in
            var statuses: [Int] = []
            for _ in 0..<3 { statuses.append(try await request(server, client).status.code) }
            #expect(statuses == [200, 200, 429])
        }
        try await TestServer.with { server, client in
            try await server.store.switchOff(
                OffSwitch(target: .program("logs"), reason: "", since: 1))
            try await server.switches.refresh()
            let refused = try await request(server, client)
            #expect(try refused.decoded(ErrorReply.self).error == "switched_off")
        }
    }

    @Test func `an order that is sent again under its name is the same request`() async throws {
        try await TestServer.with { server, client in
            let headers: HTTPFields = [.init("Idempotency-Key")!: "one"]
            let first = try await request(server, client, headers: headers)
                .decoded(LogsReply.self)
            let again = try await request(server, client, headers: headers)
                .decoded(LogsReply.self)
            #expect(first.commandID == again.commandID && first.resultURL != again.resultURL)
            let other = try await request(server, client, #"{"tail": 5}"#, headers: headers)
            #expect(other.status == .unprocessableContent)
        }
    }

    @Test func `no command is a request of a log`() async throws {
        try await TestServer.with { server, client in
            for body in [
                #"{"command": "logs --tail 1000"}"#, #"{"argv": ["logs", "--tail", "1000"]}"#,
            ] {
                let response = try await client.send(
                    .put, APIPath.execute(instance: server.instance), key: server.key, json: body)
                #expect(response.status == .badRequest)
            }
        }
    }
}
