import AgentSimulator
import CommandPolicy
import ControlPlane
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// Every answer of the seed's page (contract 1.1), byte for byte where upstream's bytes are known.
@Suite struct ExecuteRouteTests {
    @Test func `200 has the seed's fields, an empty writeable path and an absolute URL`()
        async throws
    {
        try await TestServer.with { server, client in
            try await server.withAgent(answer: TestServer.succeed) {
                let response = try await client.send(
                    .put, APIPath.execute(instance: server.instance), key: server.key,
                    json: #"{"command":"ls -l -o -r"}"#)
                #expect(response.status == .ok)
                #expect(response.headers[.contentType] == "application/json")
                let reply = try response.decoded(ExecuteReply.self)
                #expect(reply.success)
                #expect(reply.writeablePath.isEmpty)
                #expect(reply.msg == ExecuteReply.executing)
                #expect(reply.resultURL.hasPrefix("https://boathook.example/results/"))
            }
        }
    }

    @Test(arguments: [
        (#"{}"#, "Missing command."), (#"{"command":null}"#, "Missing command."),
        (#"{"command":""}"#, "Missing command."), (#"{"command":"  "}"#, "Missing command."),
        (#"{"command":null,"argv":null}"#, "Missing command."),
        (#"{"command":5,"argv":null}"#, "Invalid command."),
        (#"{"command":null,"argv":"ls"}"#, "Invalid command."),
        (#"{"command":5}"#, "Invalid command."), (#"{"command":["ls"]}"#, "Invalid command."),
        (#"{"command":"ls","argv":["ls"]}"#, "Send either command or argv."),
        (#"{"argv":[]}"#, "argv must be a list of strings."),
        (#"{"argv":["ls",1]}"#, "argv must be a list of strings."),
    ])
    func `a body that says no command is 400 invalid_args`(body: String, message: String)
        async throws
    {
        try await TestServer.with { server, client in
            let response = try await client.send(
                .put, APIPath.execute(instance: server.instance), key: server.key, json: body)
            #expect(response.status == .badRequest)
            let reply = try response.decoded(ErrorReply.self)
            #expect(reply.error == "invalid_args")
            #expect(reply.msg.hasPrefix(message))
            #expect(!reply.success)
        }
    }

    @Test(arguments: [
        #"{"command":"ls -l","argv":null}"#, #"{"command":null,"argv":["ls","-l"]}"#,
    ])
    func `null says nothing`(body: String) async throws {
        try await TestServer.with { server, client in
            let response = try await client.send(
                .put, APIPath.execute(instance: server.instance), key: server.key, json: body)
            #expect(response.status == .ok)
            let id = try response.decoded(ExecuteReply.self).commandID
            let command = try #require(try await server.store.command(id))
            #expect(command.decision.argv == ["ls", "-l"])
        }
    }

    @Test func `512 code points are taken, one more is refused`() async throws {
        try await TestServer.with { server, client in
            let longest = "ls " + String(repeating: "é", count: 509)
            let path = APIPath.execute(instance: server.instance)
            let taken = try await client.send(
                .put, path, key: server.key, json: #"{"command":"\#(longest)"}"#)
            #expect(taken.status == .ok)
            let refused = try await client.send(
                .put, path, key: server.key, json: #"{"command":"\#(longest)é"}"#)
            #expect(refused.status == .badRequest)
            #expect(try refused.decoded(ErrorReply.self).msg.hasPrefix("Invalid command."))
        }
    }

    @Test(arguments: [
        "", "{", "[]", "\"ls\"", "nul", "{\"command\":\"ls\",}", "{\"command\":\"ls\"}x",
    ])
    func `a body that is no JSON object is 483`(body: String) async throws {
        try await TestServer.with { server, client in
            let response = try await client.send(
                .put, APIPath.execute(instance: server.instance), key: server.key, json: body)
            #expect(response.status.code == 483)
            #expect(
                response.text
                    == #"{"error":"invalid_args","msg":"Invalid json_body","success":false}"#)
        }
    }

    @Test
    func `a key that is missing, wrong or revoked is 401, before the body or the id is looked at`()
        async throws
    {
        try await TestServer.with { server, client in
            var texts: Set<String> = []
            for key in [nil, "", "wrong", String(repeating: "k", count: 100_000)] {
                for path in [
                    "/api/v0/instances/command/abc/", APIPath.execute(instance: server.instance),
                ] {
                    let response = try await client.send(.put, path, key: key, json: "{")
                    #expect(response.status == .unauthorized)
                    texts.insert(response.text)
                }
            }
            #expect(texts == [#"{"error":"auth_error","msg":"Invalid user key","success":false}"#])
        }
    }

    @Test func `a blocked account is 403`() async throws {
        try await TestServer.with { server, client in
            _ = try await server.store.setBlocked(true, accountNamed: "maria")
            let response = try await client.send(
                .put, APIPath.execute(instance: server.instance), key: server.key,
                json: #"{"command":"ls"}"#)
            #expect(response.status == .forbidden)
            #expect(try response.decoded(ErrorReply.self).error == "blacklisted")
        }
    }

    @Test func `another account's instance is answered as one that is not there`() async throws {
        try await TestServer.with { server, client in
            var answers: [String] = []
            for id in [server.otherInstance, 999_999] {
                let response = try await client.send(
                    .put, APIPath.execute(instance: id), key: server.key, json: #"{"command":"ls"}"#
                )
                #expect(response.status == .notFound)
                answers.append(response.text)
            }
            #expect(
                Set(answers) == [
                    #"{"error":"not_found","msg":"Instance not found.","success":false}"#
                ])
        }
    }

    @Test(arguments: ["abc", "0", "-1", "+1", "01", "1.0", "9223372036854775808", "１"])
    func `an id in another spelling than its own is 400`(id: String) async throws {
        try await TestServer.with { server, client in
            let path = "/api/v0/instances/command/\(id)/"
            let response = try await client.send(
                .put, path, key: server.key, json: #"{"command":"ls"}"#)
            #expect(response.status == .badRequest)
            #expect(try response.decoded(ErrorReply.self).msg == "Invalid instance_id.")
        }
    }

    @Test
    func `a container on its way out is 400 invalid_container, a gone one invalid_container_id`()
        async throws
    {
        try await TestServer.with { server, client in
            let path = APIPath.execute(instance: server.instance)
            try await server.agent.report([.sample("c1", owner: "maria", status: "unknown")])
            let leaving = try await client.send(
                .put, path, key: server.key, json: #"{"command":"ls"}"#)
            #expect(leaving.status == .badRequest)
            #expect(
                leaving.text
                    == #"{"error":"invalid_container","msg":"Container not ready","success":false}"#
            )
            try await server.agent.report([])
            let gone = try await client.send(
                .put, path, key: server.key, json: #"{"command":"ls"}"#)
            #expect(gone.status == .badRequest)
            #expect(try gone.decoded(ErrorReply.self).error == "invalid_container_id")
            let stranger = try await client.send(
                .put, path, key: server.otherKey, json: #"{"command":"ls"}"#)
            #expect(stranger.status == .notFound, "to anybody else it is one that never was")
        }
    }

    @Test func `too many calls are 429 with everything that any client reads`() async throws {
        // Long enough for a machine that has much else to do.
        try await TestServer.with(rate: .interval(seconds: 7200.5)) { server, client in
            let path = APIPath.execute(instance: server.instance)
            let began = ContinuousClock.now
            _ = try await client.send(.put, path, key: server.key, json: #"{"command":"ls"}"#)
            let response = try await client.send(
                .put, path, key: server.key, json: #"{"command":"ls"}"#)
            let took = (ContinuousClock.now - began) / .seconds(1)
            #expect(response.status == .tooManyRequests)
            // What is left of the interval, in whole seconds; less only by the time that the test took.
            let wait = try #require(response.headers[.retryAfter].flatMap { Double($0) })
            #expect(wait <= 7201)
            #expect(wait >= (7200.5 - took).rounded(.up))
            let reply = try response.decoded(ErrorReply.self)
            #expect(reply.detail == "API requests too frequent endpoint threshold=7200.5")
            #expect(reply.msg == reply.detail)
            #expect(!reply.success)
        }
    }

    @Test func `an instance has a rate of its own, whatever the key`() async throws {
        try await TestServer.with(instanceRate: .interval(seconds: 7200)) { server, client in
            let accounts = try await server.store.accounts()
            let second = Secret()
            _ = try await server.store.addKey(
                second.digest, name: "second", account: accounts[0].id, at: 1)
            let path = APIPath.execute(instance: server.instance)
            let body = #"{"command":"ls"}"#
            // Orders for an instance of somebody else's take nothing of its rate.
            for _ in 0..<3 {
                let foreign = try await client.send(.put, path, key: server.otherKey, json: body)
                #expect(foreign.status == .notFound)
            }
            let first = try await client.send(.put, path, key: server.key, json: body)
            #expect(first.status == .ok)
            let other = try await client.send(.put, path, key: second.text, json: body)
            #expect(other.status == .tooManyRequests)
            #expect(other.headers[.retryAfter] != nil)
        }
    }

    @Test func `strictness refuses running instances and says upstream's words alone`() async throws
    {
        try await TestServer.with(compatibility: .vastStrict) { server, client in
            let path = APIPath.execute(instance: server.instance)
            let running = try await client.send(
                .put, path, key: server.key, json: #"{"command":"ls"}"#)
            #expect(running.status == .badRequest)
            #expect(
                try running.decoded(ErrorReply.self).msg
                    == "Execute command only avail on stopped instances. Use ssh to run commands on running instances."
            )
            try await server.agent.report([.sample("c1", owner: "maria", status: "exited")])
            let refused = try await client.send(
                .put, path, key: server.key, json: #"{"command":"ps"}"#)
            #expect(
                refused.text
                    == #"{"error":"invalid_args","msg":"Invalid command given.","success":false}"#)
        }
    }

    @Test func `a refusal explains itself, and nothing is stored`() async throws {
        try await TestServer.with { server, client in
            let response = try await client.send(
                .put, APIPath.execute(instance: server.instance), key: server.key,
                json: #"{"command":"ls | wc"}"#)
            #expect(response.status == .badRequest)
            let reply = try response.decoded(ErrorReply.self)
            #expect(reply.msg.hasPrefix("Invalid command given. "))
            #expect(reply.denial?.object?["code"] == .string("pipe"))
            #expect(reply.denial?.object?["offset"] == .int(3))
            let list = try await client.send(.get, APIPath.commands, key: server.key)
            #expect(try list.decoded(CommandListReply.self).commands.isEmpty)
        }
    }

    @Test func `a dry run tells the decision and stores nothing`() async throws {
        try await TestServer.with { server, client in
            let path = APIPath.execute(instance: server.instance)
            for (command, verdict) in [("ls -l x", "allow"), ("rm -r /", "deny")] {
                let response = try await client.send(
                    .put, path, key: server.key, json: #"{"command":"\#(command)","dry_run":true}"#)
                let reply = try response.decoded(DryRunReply.self)
                #expect(reply.decision.object?["verdict"] == .string(verdict))
            }
            let list = try await client.send(.get, APIPath.commands, key: server.key)
            #expect(try list.decoded(CommandListReply.self).commands.isEmpty)
        }
    }

    @Test(arguments: ["", "/", "//"])
    func `slashes do not matter, and both ways to send a key are taken`(slash: String) async throws
    {
        try await TestServer.with { server, client in
            let path = "//api/v0//instances/command/\(server.instance)\(slash)"
            let header = try await client.send(
                .put, path, key: server.key, json: #"{"command":"ls"}"#)
            #expect(header.status == .ok)
            let query = try await client.send(
                .put, "\(path)?api_key=\(server.key)", json: #"{"command":"ls"}"#)
            #expect(query.status == .ok)
        }
    }

    @Test func `a preferred wait brings the result along`() async throws {
        try await TestServer.with { server, client in
            try await server.withAgent(answer: TestServer.succeed) {
                let response = try await client.send(
                    .put, APIPath.execute(instance: server.instance), key: server.key,
                    json: #"{"command":"ls"}"#, headers: [.init("Prefer")!: "wait=30"])
                #expect(response.headers[.init("Preference-Applied")!] == "wait=30")
                let row = try #require(try response.decoded(ExecuteReply.self).result)
                #expect(row.state == "exited")
                #expect(row.exitCode == 0)
                #expect(row.stdout == "héllo ✓\n")
                #expect(row.stderr == "oops\n")
                #expect(row.outputBytes == 16)
            }
        }
    }
}
