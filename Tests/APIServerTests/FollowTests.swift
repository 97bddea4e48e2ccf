import APIServer
import AgentLink
import AgentSimulator
import ControlPlane
import HTTPTypes
import HummingbirdTesting
import NIOConcurrencyHelpers
import SQLiteStore
import Testing
import VastAPI

/// Following a command's output, on real stores and a simulated machine.
@Suite struct FollowTests {
    static let startedAt = 17.25
    static let frames = [
        OutputFrame(stream: .stdout, bytes: Array("one\n".utf8)),
        OutputFrame(stream: .stderr, bytes: Array("two\n".utf8)),
    ]

    @Test func `bytes come from the machine, and the rest from the result`() async throws {
        try await TestServer.with { server, client in
            let (asked, ask) = AsyncStream.makeStream(of: SendOutput.self)
            try await server.accept("ls", client)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await server.agent.run(
                        output: { wish in
                            ask.yield(wish)
                            // All but the last frame, from the byte that was asked for.
                            let bytes = Array(Self.frames[0].bytes.dropFirst(Int(wish.offset)))
                            let frame = OutputFrame(stream: .stdout, bytes: bytes)
                            return (
                                CommandFinished.run(startedAt: Self.startedAt),
                                bytes.isEmpty ? [] : [frame]
                            )
                        }, answer: { _ in nil })
                }
                group.addTask {
                    // The end comes once a follower was served.
                    for await _ in asked {
                        try await server.agent.deliver(Self.answer(1))
                        return
                    }
                }
                let events = try await server.follow(1, from: 1)
                #expect(events == ["run 17.25 from 1", "stdout ne/ 4", "stderr two/ 8", "exited"])
                group.cancelAll()
            }
            // From the result alone; a later start is another run.
            #expect(
                try await server.follow(1, from: 4, run: "17.25") == [
                    "run 17.25 from 4", "stderr two/ 8", "exited",
                ])
            #expect(try await server.follow(1, from: 8) == ["run 17.25 from 8", "exited"])
            #expect(try await server.follow(1, from: 2, run: "16.0") == ["restarted"])
        }
    }

    @Test func `a tool that was started anew is not taken for the first one`() async throws {
        try await TestServer.with { server, client in
            try await server.accept("ls", client)
            let runs = NIOLockedValueBox(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await server.agent.run(
                        output: { _ in
                            let run = runs.withLockedValue { runs in
                                runs += 1
                                return runs
                            }
                            return ("\(run)", [Self.frames[0]])
                        }, answer: { _ in nil })
                }
                let events = try await server.follow(1, from: 0)
                #expect(events == ["run 1 from 0", "stdout one/ 4", "restarted"])
                group.cancelAll()
            }
        }
    }

    @Test func `nobody follows what is not theirs`() async throws {
        try await TestServer.with { server, client in
            try await server.accept("ls", client)
            let other = try await server.parts.authenticator.principal(key: server.otherKey)
            await #expect(throws: ControlPlaneError.self) {
                try await server.parts.follow(1, from: 0, run: nil, as: other) { _ in }
            }
            // Nor does an agent feed a relay of its own making.
            await #expect(throws: ControlPlaneError.self) {
                try await server.gateway.relay(
                    "no such relay", run: "1", frames: AsyncThrowingStream { $0.finish() },
                    from: server.machine)
            }
        }
    }

    @Test func `a deleted output is gone, and one that is not whole cannot be deleted`()
        async throws
    {
        try await TestServer.with { server, client in
            let url = try await server.accept("ls", client)
            let path = APIPath.commandOutput(1)
            let early = try await client.send(.delete, path, key: server.key)
            #expect(early.status == .conflict)
            #expect(try early.decoded(ErrorReply.self).error == "command_open")
            try await server.withAgent(answer: { Self.answer($0.commandID) }) {
                let result = try await client.send(.get, url)
                #expect(result.status == .ok)
            }
            #expect(try await client.send(.delete, path, key: server.otherKey).status == .notFound)
            #expect(try await client.send(.delete, path, key: server.key).status == .ok)
            #expect(try await client.send(.get, url).status == .notFound)
            #expect(try await client.send(.get, path, key: server.key).status == .notFound)
            let row = try await client.send(.get, APIPath.command(1), key: server.key)
            #expect(try row.decoded(CommandRow.self).outputBytes == 8)
        }
    }

    private static func answer(_ id: Int64) -> SimulatedAgent.Answer {
        SimulatedAgent.Answer(
            report: CommandFinished(
                commandID: id, outcome: .exited, exitCode: 0, stdoutBytes: 4, stderrBytes: 4,
                sha256: Hex.string(SecretDigest(of: "one\ntwo\n").bytes), startedAt: startedAt),
            frames: frames)
    }
}

/// What two things that happen in the same moment must not do.
@Suite struct RaceTests {
    @Test(.timeLimit(.minutes(3)))
    func `a command that is accepted while the link opens is sent`() async throws {
        try await TestServer.with { server, client in
            for round in 1...150 {
                let (orders, order) = AsyncStream.makeStream(of: Int64.self)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await server.agent.run { command in
                            order.yield(command.commandID)
                            return await TestServer.succeed(command)
                        }
                    }
                    // Now earlier, now later than the link.
                    for _ in 0..<(round % 12) { await Task.yield() }
                    try await server.accept("ls", client)
                    // Earlier ones may be sent again; without this one, the test would not end.
                    for await id in orders where id == Int64(round) { break }
                    group.cancelAll()
                }
            }
        }
    }

    @Test func `a wish to cancel reaches a machine that was away`() async throws {
        try await TestServer.with { server, client in
            try await server.accept("ls", client)
            // Its machine has it, and goes.
            let (taken, take) = AsyncStream.makeStream(of: Void.self)
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await server.agent.run { _ in
                        take.yield()
                        return nil
                    }
                }
                for await _ in taken { break }
                group.cancelAll()
            }
            let met = try await client.send(
                .delete, APIPath.command(1), key: server.key, json: "{}")
            let reply: CancelReply = try met.decoded()
            #expect(reply.success)
            // It comes back without the command, and with it.
            let orders = try await server.firstMessage(held: [])
            guard case .runCommand(let order) = orders else { throw Unexpected() }
            #expect(order.isCancelled)
            let wishes = try await server.firstMessage(held: [1])
            #expect(wishes == .cancelCommand(CancelCommand(commandID: 1)))
        }
    }

    /// Found by `make chaos`: an attach whose connection was cut in the middle went on, and moved commands on
    /// to a link that nobody read, while the next attach took them for sent.
    @Test func `the link that stays is sent everything, whichever moved it on`() async throws {
        try await TestServer.with { server, client in
            for round in 0..<40 {
                let ids = Set((1...5).map { Int64(round * 5 + $0) })
                for _ in ids { try await server.accept("ls", client) }
                let hello = AgentHello(heldCommandIDs: Array(1..<Int64(round * 5 + 1)))
                async let one = server.gateway.attach(server.machine, hello: hello)
                async let two = server.gateway.attach(server.machine, hello: hello)
                let links = try await [one, two]
                // Only the link that stays gets this; the other one has ended.
                let last = try #require(try await server.store.command(ids.max() ?? 0))
                #expect(server.dispatcher.cancel(last))
                for link in links {
                    var sent: Set<Int64> = []
                    for await message in link {
                        if case .runCommand(let order) = message { sent.insert(order.commandID) }
                        guard case .cancelCommand = message else { continue }
                        #expect(sent == ids, "round \(round)")
                        break
                    }
                }
            }
        }
    }

    @Test func `two reports of one command are not taken at the same time`() async throws {
        try await TestServer.with { server, client in
            let url = try await server.accept("ls", client)
            func report(_ text: String) -> CommandFinished {
                CommandFinished(
                    commandID: 1, outcome: .exited, exitCode: 0, stdoutBytes: 1,
                    sha256: Hex.string(SecretDigest(of: text).bytes))
            }
            func frame(_ text: String) -> [UInt8] {
                OutputFrame.head(stream: .stdout, count: 1) + Array(text.utf8)
            }
            // The first one's bytes are asked for, and come when the second has been refused.
            let (asked, ask) = AsyncStream.makeStream(of: Void.self)
            let (released, release) = AsyncStream.makeStream(of: Void.self)
            let pieces = NIOLockedValueBox([frame("a")])
            let slow = AsyncThrowingStream<[UInt8], any Error>(unfolding: {
                ask.finish()
                for await _ in released {}
                return pieces.withLockedValue { $0.popLast() }
            })
            async let first: Void = server.gateway.complete(
                report("a"), frames: slow, from: server.machine)
            for await _ in asked {}
            // Another run of the same reader wrote something else.
            let other = AsyncThrowingStream<[UInt8], any Error> {
                $0.yield(frame("b"))
                $0.finish()
            }
            do {
                try await server.gateway.complete(report("b"), frames: other, from: server.machine)
                Issue.record("the second one was taken")
            } catch let error as ControlPlaneError {
                #expect(error.code == .busy)
            }
            release.finish()
            try await first
            #expect(try await client.send(.get, url).text == "a")
        }
    }

    @Test func `a step of the clock expires nothing, and time that passes does`() async throws {
        let wall = NIOLockedValueBox(1000.0)
        let steady = NIOLockedValueBox(1000.0)
        let time = WallTime(
            { wall.withLockedValue { $0 } }, steady: { steady.withLockedValue { $0 } })
        try await TestServer.with(time: time) { server, client in
            try await server.accept("ls", client)
            wall.withLockedValue { $0 += 100_000 }
            try await server.housekeeping.endOverdueCommands()
            let waiting = try #require(try await server.store.command(1))
            #expect(waiting.state == .queued)
            steady.withLockedValue { $0 += 601 }
            try await server.housekeeping.endOverdueCommands()
            let ended = try #require(try await server.store.command(1))
            #expect(ended.state == .expired)
        }
    }

    private struct Unexpected: Error {}
}

extension TestServer {
    /// Orders a command; returns the path of its result.
    @discardableResult
    fileprivate func accept(
        _ command: String, _ client: any TestClientProtocol
    ) async throws -> String {
        let response = try await client.send(
            .put, APIPath.execute(instance: instance), key: key,
            json: #"{"command":"\#(command)"}"#)
        let reply = try response.decoded(ExecuteReply.self)
        return String(reply.resultURL.dropFirst("https://boathook.example".count))
    }

    /// What a follower gets, as text.
    fileprivate func follow(
        _ id: Command.ID, from offset: Int64, run: String? = nil
    ) async throws -> [String] {
        let principal = try await parts.authenticator.principal(key: key)
        let events = NIOLockedValueBox<[String]>([])
        try await parts.follow(id, from: offset, run: run, as: principal) { event in
            let text: String? =
                switch event {
                case .run(let run, let position): "run \(run) from \(position)"
                case .piece(let piece, let end):
                    "\(piece.stream) \(String(decoding: piece.bytes, as: UTF8.self))\(end)"
                        .replacing("\n", with: "/ ")
                case .waiting: nil
                case .restarted: "restarted"
                case .ended(let command): command.state.rawValue
                }
            if let text { events.withLockedValue { $0.append(text) } }
        }
        return events.withLockedValue { $0 }
    }

    /// What a link begins with, after the welcome.
    fileprivate func firstMessage(held: [Int64]) async throws -> ServerMessage? {
        for await message in try await gateway.attach(
            machine, hello: AgentHello(heldCommandIDs: held))
        {
            guard case .welcome = message else { return message }
        }
        return nil
    }
}
