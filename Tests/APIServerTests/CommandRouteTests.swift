import AgentLink
import AgentSimulator
import ControlPlane
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Synchronization
import Testing
import VastAPI

@Suite struct CommandRouteTests {
    @Test func `another account's command is answered as one that is not there`() async throws {
        try await TestServer.with { server, client in
            try await server.withAgent(answer: TestServer.succeed) {
                _ = try await ResultRouteTests.execute(server, client)
                var answers: Set<String> = []
                for path in [APIPath.command(1), APIPath.command(77), "/api/v0/commands/x/"] {
                    let response = try await client.send(.get, path, key: server.otherKey)
                    #expect(response.status == .notFound)
                    answers.insert(response.text)
                }
                #expect(answers.count == 1)
                let cancelled = try await client.send(
                    .delete, APIPath.command(1), key: server.otherKey)
                #expect(cancelled.status == .notFound)
                let output = try await client.send(
                    .get, APIPath.commandOutput(1), key: server.otherKey)
                #expect(output.status == .notFound)
            }
        }
    }

    @Test func `streams come apart`() async throws {
        try await TestServer.with { server, client in
            try await server.withAgent(answer: TestServer.succeed) {
                let path = try await ResultRouteTests.execute(server, client)
                _ = try await client.send(.get, path)
                for (stream, text) in [("stdout", "héllo ✓\n"), ("stderr", "oops\n")] {
                    let response = try await client.send(
                        .get, "\(APIPath.commandOutput(1))?stream=\(stream)", key: server.key)
                    #expect(response.text == text)
                }
            }
        }
    }

    @Test func `a command for a machine that is away waits, is sent when it comes, or expires`()
        async throws
    {
        let now = Mutex(1000.0)
        try await TestServer.with(time: WallTime { now.withLock { $0 } }) { server, client in
            _ = try await ResultRouteTests.execute(server, client)
            _ = try await ResultRouteTests.execute(server, client)
            let queued = try await client.send(.get, APIPath.command(1), key: server.key)
            #expect(try queued.decoded(CommandRow.self).state == "queued")

            let cancelled = try await client.send(.delete, APIPath.command(1), key: server.key)
            #expect(try cancelled.decoded(CancelReply.self).state == "queued")
            let row = try await client.send(.get, APIPath.command(1), key: server.key)
            #expect(try row.decoded(CommandRow.self).state == "cancelled")

            try await server.withAgent(answer: TestServer.succeed) {
                let done = try await client.send(
                    .get, APIPath.command(2), key: server.key,
                    headers: [.init("Prefer")!: "wait=30"])
                #expect(try done.decoded(CommandRow.self).state == "exited")
            }
        }
    }

    @Test func `a command whose machine stays away expires and is never sent`() async throws {
        let now = Mutex(1000.0)
        try await TestServer.with(time: WallTime { now.withLock { $0 } }) { server, client in
            let path = try await ResultRouteTests.execute(server, client)
            now.withLock { $0 += 601 }
            try await server.housekeeping.endOverdueCommands()
            let row = try await client.send(.get, APIPath.command(1), key: server.key)
            #expect(try row.decoded(CommandRow.self).state == "expired")
            let result = try await client.send(.get, path)
            #expect(result.status == .ok)
            #expect(result.text.hasPrefix("boathook: command 1 expired: "))
            let sent = Mutex(false)
            try await server.withAgent(answer: { _ in
                sent.withLock { $0 = true }
                return nil
            }) {}
            #expect(!sent.withLock { $0 })
        }
    }

    @Test func `a report that comes twice changes nothing`() async throws {
        try await TestServer.with { server, client in
            try await server.withOpenCommand(client) { order, path in
                try await server.agent.deliver(try #require(await TestServer.succeed(order)))
                var other = try #require(await TestServer.succeed(order))
                other.report.outcome = .lost
                other.frames = []
                try await server.agent.deliver(other)
                let row = try await client.send(.get, APIPath.command(1), key: server.key)
                #expect(try row.decoded(CommandRow.self).state == "exited")
                #expect(try await client.send(.get, path).text == "héllo ✓\noops\n")
            }
        }
    }
}

/// The same order twice (design.md, "The wire").
@Suite struct RepetitionTests {
    @Test func `a retried PUT of a command that changes something is the same command`()
        async throws
    {
        try await TestServer.with { server, client in
            let path = APIPath.execute(instance: server.instance)
            var replies: [ExecuteReply] = []
            for _ in 0..<3 {
                let response = try await client.send(
                    .put, path, key: server.key, json: #"{"command":"rm a"}"#)
                replies.append(try response.decoded(ExecuteReply.self))
            }
            #expect(Set(replies.map(\.commandID)).count == 1)
            #expect(Set(replies.map(\.resultURL)).count == 3)
            let other = try await client.send(
                .put, path, key: server.key, json: #"{"command":"rm b"}"#)
            #expect(try other.decoded(ExecuteReply.self).commandID != replies[0].commandID)

            try await server.withAgent(answer: TestServer.succeed) {
                for reply in replies {
                    let url = String(reply.resultURL.dropFirst("https://boathook.example".count))
                    let result = try await client.send(.get, url)
                    #expect(result.text == "héllo ✓\noops\n", "each URL leads to the one result")
                }
                let later = try await client.send(
                    .put, path, key: server.key, json: #"{"command":"rm a"}"#)
                #expect(try later.decoded(ExecuteReply.self).commandID != replies[0].commandID)
            }
        }
    }

    @Test func `an idempotency key is one command, and no other order's`() async throws {
        try await TestServer.with { server, client in
            let path = APIPath.execute(instance: server.instance)
            let name = try #require(HTTPField.Name("Idempotency-Key"))
            var ids: Set<Int64> = []
            for _ in 0..<2 {
                let response = try await client.send(
                    .put, path, key: server.key, json: #"{"command":"ls"}"#, headers: [name: "a"])
                ids.insert(try response.decoded(ExecuteReply.self).commandID)
            }
            #expect(ids.count == 1)
            let mismatch = try await client.send(
                .put, path, key: server.key, json: #"{"command":"ls /"}"#, headers: [name: "a"])
            #expect(mismatch.status == .unprocessableContent)
            #expect(try mismatch.decoded(ErrorReply.self).error == "idempotency_mismatch")
            let tooLong = try await client.send(
                .put, path, key: server.key, json: #"{"command":"ls"}"#,
                headers: [name: String(repeating: "k", count: 256)])
            #expect(tooLong.status == .badRequest)
        }
    }
}
