import APIServer
import AgentLink
import AgentSimulator
import CommandPolicy
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOConcurrencyHelpers
import SQLiteStore
import Testing
import VastAPI

/// When scheduled jobs are fired, on real stores and a clock that the test sets.
@Suite struct ScheduleTests {
    /// 25 November 2026, a Wednesday, 10:20 UTC.
    static let now = 1_795_602_000.0

    private final class Clock: Sendable {
        private let seconds = NIOLockedValueBox(ScheduleTests.now)

        var time: WallTime { WallTime { self.seconds.withLockedValue { $0 } } }
        func set(_ offset: Double) { seconds.withLockedValue { $0 = ScheduleTests.now + offset } }
    }

    /// A job that is due at each full hour, the first one 2,400 s from now.
    private func makeJob(
        _ server: TestServer, _ client: some TestClientProtocol, key: String? = nil,
        command: String = "ls home", path: String = "command"
    ) async throws -> Int64 {
        let response = try await client.send(
            .post, APIPath.scheduledJobs, key: key ?? server.key,
            json: """
                {"start_time": \(Self.now - 1200), "end_time": \(Self.now + 604_800),
                 "api_endpoint": "/api/v0/instances/\(path)/\(server.instance)/",
                 "request_method": "PUT", "request_body": {"command": "\(command)"},
                 "frequency": "HOURLY", "instance_id": \(server.instance)}
                """)
        #expect(response.status == .ok, "\(response.text)")
        return try response.decoded(ScheduleJobReply.self).scheduledJobID
    }

    private func row(_ server: TestServer, _ client: some TestClientProtocol) async throws
        -> ScheduledJobRow
    {
        try #require(
            try await client.send(.get, APIPath.scheduledJobs, key: server.key)
                .decoded([ScheduledJobRow].self).first)
    }

    private func commands(_ server: TestServer) async throws -> [Command] {
        try await server.store.commands(account: 1, key: nil, before: nil, limit: 100)
    }

    @Test func `a due time is fired once, as the key that ordered it`() async throws {
        let clock = Clock()
        try await TestServer.with(time: clock.time) { server, client in
            let key = try await server.newKey(KeyScope())
            let before = try await server.store.auditHead()?.sequence ?? 0
            let job = try await makeJob(server, client, key: key)
            #expect(try await server.scheduler.tick() == Self.now + 2400)
            clock.set(2399)
            #expect(try await server.scheduler.tick() == Self.now + 2400)
            #expect(try await commands(server).isEmpty)
            clock.set(2400)
            for _ in 0..<2 {
                #expect(try await server.scheduler.tick() == Self.now + 6000)
                let commands = try await commands(server)
                #expect(commands.map(\.text) == ["ls home"])
                let keys = try await server.store.keys(account: 1).map(\.id)
                #expect(commands.map(\.keyID) == [keys.last])
            }
            let row = try await row(server, client)
            #expect(row.id == job && row.fired == 1 && row.skipped == 0)
            #expect(row.nextDueTime == Self.now + 6000)
            let commandID = try await commands(server).first?.id
            #expect(
                row.lastRun
                    == ScheduledRunRow(
                        dueTime: Self.now + 2400, state: "fired", commandID: commandID, note: nil))
            clock.set(6001)
            _ = try await server.scheduler.tick()
            #expect(try await commands(server).count == 2)
            // In the audit log, as everything that is ordered.
            let events = try await server.store.auditEntries(after: before, limit: 100)
                .compactMap(\.entry).map(\.event).filter { $0 != .apiCalled }
            #expect(
                events == [.jobCreated, .commandAccepted, .jobFired, .commandAccepted, .jobFired])
        }
    }

    @Test func `what passed while nobody was there is counted; the last is fired in its grace`()
        async throws
    {
        let clock = Clock()
        try await TestServer.with(time: clock.time) { server, client in
            _ = try await makeJob(server, client)
            clock.set(2400 + 3 * 3600 + 299)
            _ = try await server.scheduler.tick()
            #expect(try await commands(server).count == 1)
            var row = try await row(server, client)
            #expect(row.fired == 1 && row.skipped == 3)
            #expect(row.lastRun?.dueTime == Self.now + 2400 + 3 * 3600)
            clock.set(2400 + 5 * 3600 + 301)
            #expect(try await server.scheduler.tick() == Self.now + 2400 + 6 * 3600)
            row = try await self.row(server, client)
            #expect(row.fired == 1 && row.skipped == 5)
            #expect(try await commands(server).count == 1)
        }
    }

    @Test func `a due time that a former process decided on is fired, and not twice`() async throws
    {
        let clock = Clock()
        try await TestServer.with(time: clock.time) { server, client in
            let id = try await makeJob(server, client)
            clock.set(2400)
            let job = try #require(try await server.store.job(id, account: 1))
            let decision = JobDecision(job, at: Self.now + 2400, grace: Scheduler.grace)
            #expect(try await server.store.decide(decision))
            // Another one who looked at the same time decides nothing.
            #expect(try await !server.store.decide(decision))
            // It had given the order, and ended before it could write that down.
            let run = try #require(try await server.store.openRuns(limit: 10).first?.run)
            let principal = try await server.parts.authenticator.principal(key: server.key)
            let order = CommandOrder(
                input: .text("ls home"), idempotencyKey: run.idempotencyKey)
            let given = try await server.parts.execute(order, on: server.instance, as: principal)
            clock.set(2500)
            _ = try await server.scheduler.tick()
            #expect(try await commands(server).map(\.id) == [given.command.id])
            let row = try await row(server, client)
            #expect(row.fired == 1 && row.lastRun?.commandID == given.command.id)
        }
    }

    @Test func `what could not be fired within its grace is missed`() async throws {
        let clock = Clock()
        try await TestServer.with(time: clock.time) { server, client in
            _ = try await makeJob(server, client)
            try await server.agent.report([.sample("c1", owner: "maria", status: "unknown")])
            clock.set(2400)
            let again = try #require(try await server.scheduler.tick())
            #expect(again > Self.now + 2400 && again < Self.now + 2430)
            #expect(try await row(server, client).lastRun?.state == nil)
            clock.set(2701)
            _ = try await server.scheduler.tick()
            let row = try await row(server, client)
            #expect(row.lastRun?.state == "missed" && row.skipped == 1 && row.fired == 0)
            #expect(row.lastRun?.note?.contains("instance_not_ready") == true)
            #expect(row.nextDueTime == Self.now + 6000)
        }
    }

    @Test func `a reboot that was begun is not done again`() async throws {
        let clock = Clock()
        try await TestServer.with(time: clock.time) { server, client in
            let id = try await makeJob(server, client, path: "reboot")
            clock.set(2400)
            let job = try #require(try await server.store.job(id, account: 1))
            _ = try await server.store.decide(
                JobDecision(job, at: Self.now + 2400, grace: Scheduler.grace))
            var run = try #require(try await server.store.openRuns(limit: 10).first?.run)
            run.begunAt = Self.now + 2400
            try await server.store.noteRun(run)
            _ = try await server.scheduler.tick()
            let row = try await row(server, client)
            #expect(row.lastRun?.state == "lost" && row.fired == 0)
            #expect(row.requestBody == .object(["instance_id": .int(server.instance)]))
        }
    }

    @Test func `a reboot waits for its machine, within its grace`() async throws {
        let clock = Clock()
        try await TestServer.with(time: clock.time) { server, client in
            _ = try await makeJob(server, client, path: "reboot")
            clock.set(2400)
            _ = try await server.scheduler.tick()
            #expect(try await row(server, client).lastRun?.state == nil)
            clock.set(2460)
            try await server.withAgent(answer: { _ in nil }) {
                _ = try await server.scheduler.tick()
            }
            let row = try await row(server, client)
            #expect(row.lastRun?.state == "fired" && row.lastRun?.commandID == nil)
            let calls = try await server.store.auditEntries(after: 0, limit: 100)
                .compactMap(\.entry).filter { $0.event == .apiCalled }
            #expect(calls.map(\.route) == ["PUT /api/v0/instances/reboot/{id}"])
            #expect(calls.map(\.instanceID) == [server.instance])
        }
    }

    @Test func `a key that is revoked, or has ended, fires nothing more, and its job ends`()
        async throws
    {
        for isRevoked in [true, false] {
            let clock = Clock()
            try await TestServer.with(time: clock.time) { server, client in
                let key = try await server.newKey(
                    .everything, expiresAt: isRevoked ? nil : Self.now + 2000)
                _ = try await makeJob(server, client, key: key)
                if isRevoked {
                    let id = try #require(try await server.store.keys(account: 1).last).id
                    #expect(try await server.store.revokeKey(id: id, at: Self.now))
                }
                clock.set(2400)
                #expect(try await server.scheduler.tick() == nil)
                #expect(try await commands(server).isEmpty)
                let row = try await row(server, client)
                #expect(row.lastRun?.state == "refused" && row.nextDueTime == nil)
                #expect(row.lastRun?.note?.hasPrefix("unauthenticated: ") == true)
                let last = try await server.store.auditEntries(after: 0, limit: 100)
                    .compactMap(\.entry).last
                #expect(last?.event == .jobRefused && last?.text == "ls home")
                // Another key of the account may take it over.
                let taken = try await client.send(
                    .put, APIPath.scheduledJob(row.id), key: server.key, json: "{}")
                #expect(taken.status == .ok)
                #expect(try await self.row(server, client).nextDueTime == Self.now + 6000)
                clock.set(6000)
                _ = try await server.scheduler.tick()
                #expect(try await commands(server).count == 1)
            }
        }
    }

    @Test func `what is not allowed at that moment is refused, and the job goes on`() async throws {
        let clock = Clock()
        try await TestServer.with(time: clock.time) { server, client in
            _ = try await makeJob(server, client)
            _ = try await server.store.setBlocked(true, accountNamed: "maria")
            clock.set(2400)
            #expect(try await server.scheduler.tick() == Self.now + 6000)
            _ = try await server.store.setBlocked(false, accountNamed: "maria")
            #expect(try await row(server, client).lastRun?.note?.hasPrefix("blocked: ") == true)
            try await server.store.switchOff(
                OffSwitch(target: .program("ls"), reason: "", since: 1))
            try await server.switches.refresh()
            clock.set(6000)
            #expect(try await server.scheduler.tick() == Self.now + 9600)
            let row = try await row(server, client)
            #expect(row.lastRun?.note?.hasPrefix("switched_off: ") == true)
            #expect(row.skipped == 2 && row.fired == 0)
            #expect(try await commands(server).isEmpty)
        }
    }

    @Test func `a job of an instance that is gone ends`() async throws {
        let clock = Clock()
        try await TestServer.with(time: clock.time) { server, client in
            _ = try await makeJob(server, client)
            try await server.agent.report([])
            clock.set(2400)
            #expect(try await server.scheduler.tick() == nil)
            #expect(
                try await row(server, client).lastRun?.note?.hasPrefix("container_gone: ") == true)
        }
    }

    /// The service itself: it sleeps until something is due, and a change wakes it.
    @Test(.timeLimit(.minutes(3))) func `a change wakes the service`() async throws {
        // A second before a full hour, until the job is made.
        let clock = Clock()
        clock.set(2399)
        try await TestServer.with(time: clock.time) { server, client in
            let (orders, order) = AsyncStream.makeStream(of: RunCommand.self)
            let service = Task { try await server.scheduler.run() }
            try await server.withAgent(answer: { command in
                order.yield(command)
                return nil
            }) {
                _ = try await makeJob(server, client)
                clock.set(2400)
                for await command in orders {
                    #expect(command.argv == ["ls", "home"])
                    break
                }
            }
            service.cancel()
            try await service.value
        }
    }
}
