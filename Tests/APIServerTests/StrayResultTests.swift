import AgentLink
import AgentSimulator
import ControlPlane
import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import NIOPosix
import ResultStores
import SQLiteStore
import Synchronization
import Testing
import VastAPI

/// For how long results are there, and that none is there that no command has.
@Suite struct StrayResultTests {
    @Test(.timeLimit(.minutes(3)))
    func `a result lives from its command's end on, however long that ran`() async throws {
        let now = Mutex(1000.0)
        try await TestServer.with(time: WallTime { now.withLock { $0 } }) { server, client in
            try await server.withOpenCommand(client) { order, path in
                now.withLock { $0 += 86_401 }
                try await server.housekeeping.collect()
                async let waiting = client.send(.get, path)
                try await server.agent.deliver(try #require(await TestServer.succeed(order)))
                #expect(try await waiting.status == .ok)

                now.withLock { $0 += 86_399 }
                try await server.housekeeping.collect()
                #expect(try await client.send(.get, path).status == .ok)
                now.withLock { $0 += 2 }
                #expect(try await client.send(.get, path).status == .notFound)
            }
        }
    }

    @Test func `bytes of a command that somebody else ended meanwhile are not kept`() async throws {
        try await withResults { server, results in
            let complete = CompleteCommand(
                commands: server.store, results: results, bell: CompletionBell(),
                outputLimit: 1000, time: .system)
            let id = try await server.add(1, startBy: 1, timeout: 1, state: .dispatched)[0]
            let isBegun = Mutex(false)
            // Asked for bytes, it has found the command open.
            let frames = AsyncThrowingStream<[UInt8], any Error>(unfolding: {
                guard
                    !isBegun.withLock({ begun in
                        defer { begun = true }
                        return begun
                    })
                else { return nil }
                _ = try await server.store.finish(
                    id, from: nil, as: .lost, outcome: CommandOutcome(sha256: ""), startedAt: nil,
                    at: 1)
                return OutputFrame.head(stream: .stdout, count: 2) + Array("ab".utf8)
            })
            try await complete(
                CommandFinished(
                    commandID: id, outcome: .exited, exitCode: 0, stdoutBytes: 2,
                    sha256: SecretDigest(of: "ab").bytes.map { String(format: "%02x", $0) }
                        .joined()),
                frames: frames, from: server.machine.id)
            #expect(try await server.store.command(id)?.state == .lost)
            #expect(try await results.open(id) == nil)
        }
    }

    @Test func `bytes that no command has go, and no others`() async throws {
        try await withResults { server, results in
            let ids = try await server.add(3, startBy: 1, timeout: 1, state: .dispatched)
            for id in ids.dropFirst() {
                _ = try await server.store.finish(
                    id, from: nil, as: .exited, outcome: CommandOutcome(sha256: ""),
                    startedAt: nil, at: 1)
            }
            try await server.store.forgetResults([ids[2]])
            // Of the third, and of one that the database never knew, a disk may bring the bytes back.
            let unknown = ids[2] + 100_000
            for id in ids + [unknown] {
                _ = try await results.put(
                    id, frames: AsyncThrowingStream<[UInt8], any Error> { $0.finish() },
                    atMost: 0)
            }
            let housekeeping = Housekeeping(
                commands: server.store, results: results, dispatcher: server.dispatcher,
                bell: CompletionBell(), keeping: ResultKeeping(), time: .system,
                logger: Logger(label: "test"))
            try await housekeeping.removeStrays()
            for (id, isThere) in zip(ids + [unknown], [true, true, false, false]) {
                #expect(try await (results.open(id) != nil) == isThere, "\(id)")
            }
        }
    }

    private func withResults(
        _ body: @Sendable (TestServer, FileResultStore) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let results = try FileResultStore(root: folder.path + "/results", threads: .singleton)
        try await TestServer.with { server, _ in try await body(server, results) }
    }
}
