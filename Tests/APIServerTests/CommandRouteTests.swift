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
            let orders = AsyncStream.makeStream(of: RunCommand.self)
            try await server.withAgent(answer: { order in
                orders.continuation.yield(order)
                return nil
            }) {
                let path = try await ResultRouteTests.execute(server, client)
                var iterator = orders.stream.makeAsyncIterator()
                let order = try #require(await iterator.next())
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
