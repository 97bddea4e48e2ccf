import CommandPolicy
import ControlPlane
import HummingbirdTesting
import PolicyDocuments
import SQLiteStore
import Synchronization
import Testing
import VastAPI

/// What is done every second is done to all that it is for, however many others there are.
@Suite struct HousekeepingTests {
    @Test func `a command behind a thousand others is declared lost in its time`() async throws {
        let now = Mutex(1000.0)
        try await TestServer.with(time: WallTime { now.withLock { $0 } }) { server, _ in
            // Each may run for a day.
            try await server.add(1001, startBy: 1, timeout: 86_400, state: .dispatched)
            let last = try await server.add(1, startBy: 2, timeout: 1, state: .dispatched)
            now.withLock { $0 += 601 }
            try await server.housekeeping.endOverdueCommands()
            #expect(try await server.store.command(last[0])?.state == .lost)
            let open = try await server.store.openCommands(machine: server.machine.id)
            #expect(open.count == 1001)
        }
    }

    @Test func `a switched-off command behind hundreds that are not is cancelled`() async throws {
        try await TestServer.with { server, _ in
            try await server.add(501, startBy: 1, timeout: 1, state: .queued)
            let last = try await server.add(1, "rm x", startBy: 2, timeout: 1, state: .queued)
            try await server.store.switchOff(
                OffSwitch(target: .program("rm"), reason: "", since: 1))
            try await server.switches.refresh()
            #expect(try await server.store.command(last[0])?.state == .cancelled)
            let open = try await server.store.openCommands(machine: server.machine.id)
            #expect(open.count == 501 && open.allSatisfy { $0.state == .queued })
        }
    }

    /// What was sent runs: to call it expired would be a lie.
    @Test(.timeLimit(.minutes(3)))
    func `a command that is sent in the moment of its expiry does not expire`() async throws {
        try await TestServer.with { server, _ in
            for _ in 0..<10 {
                let ids = try await server.add(60, startBy: 1, timeout: 60, state: .queued)
                async let look: Void = server.housekeeping.endOverdueCommands()
                let sent = try await withThrowingTaskGroup(of: Command.ID?.self) { group in
                    for id in ids {
                        group.addTask {
                            let advanced = try await server.store.advance(
                                id, to: .dispatched, startedAt: nil)
                            return advanced?.moved == true ? id : nil
                        }
                    }
                    return try await group.reduce(into: Set<Command.ID>()) { sent, id in
                        if let id { sent.insert(id) }
                    }
                }
                try await look
                for id in ids {
                    let state = try await server.store.command(id)?.state
                    #expect(state == (sent.contains(id) ? .dispatched : .expired))
                    // The next round begins without them.
                    _ = try await server.store.finish(
                        id, from: nil, as: .exited, outcome: CommandOutcome(sha256: ""),
                        startedAt: nil, at: 1)
                }
            }
        }
    }
}

extension TestServer {
    /// Commands of the first account's instance, past all refusals.
    @discardableResult
    func add(
        _ count: Int, _ text: String = "ls", startBy: Double, timeout: Int, state: CommandState
    ) async throws -> [Command.ID] {
        let account = try #require(try await store.account(named: "maria"))
        let key = try #require(try await store.keys(account: account.id).first)
        let instance = try #require(try await store.instance(self.instance))
        var bounds = QueueBounds()
        bounds.perAccount = .max
        return try await withThrowingTaskGroup(of: Command.ID.self) { [bounds] group in
            for _ in 0..<count {
                group.addTask {
                    try await store.add(
                        NewCommand(
                            accountID: account.id, keyID: key.id, instance: instance, text: text,
                            decision: Policy.vast.decide(text), timeoutSeconds: timeout,
                            createdAt: 1, startBy: startBy, resultDigest: Secret().digest,
                            resultExpiresAt: 1001, state: state),
                        bounds: bounds
                    ).command.id
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}
