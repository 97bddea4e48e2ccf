import Jail
import Testing

@testable import Agent

@Suite struct InstanceLocksTests {
    @Test func `readers share, a writer is alone, and nobody is overtaken`() async throws {
        let locks = InstanceLocks()
        let record = Record()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                let mode: InstanceLocks.Mode = index % 5 == 0 ? .exclusive : .shared
                let place = await locks.enqueue("c", mode)
                group.addTask {
                    try await place.ticket.wait()
                    await record.enter(mode, index)
                    await Task.yield()
                    await record.leave(mode)
                    await locks.leave(place)
                }
            }
            try await group.waitForAll()
        }
        #expect(await record.violations == 0)
        #expect(await record.writers == Array(stride(from: 0, to: 200, by: 5)))
    }

    @Test func `who leaves before its turn keeps nobody waiting`() async throws {
        let locks = InstanceLocks()
        let holder = await locks.enqueue("c", .exclusive)
        let writer = await locks.enqueue("c", .exclusive)
        let reader = await locks.enqueue("c", .shared)
        await locks.leave(writer)
        await locks.leave(holder)
        try await reader.ticket.wait()
    }

    @Test func `other containers do not wait`() async throws {
        let locks = InstanceLocks()
        for container in ["a", "b"] {
            try await locks.enqueue(container, .exclusive).ticket.wait()
        }
    }

    private actor Record {
        private var shared = 0
        private var exclusive = 0
        private(set) var violations = 0
        private(set) var writers: [Int] = []

        func enter(_ mode: InstanceLocks.Mode, _ index: Int) {
            if mode == .shared {
                shared += 1
            } else {
                exclusive += 1
                writers.append(index)
            }
            if exclusive > 1 || (exclusive == 1 && shared > 0) { violations += 1 }
        }

        func leave(_ mode: InstanceLocks.Mode) {
            if mode == .shared { shared -= 1 } else { exclusive -= 1 }
        }
    }
}

@Suite struct RunSlotsTests {
    @Test func `a free slot goes to the accounts in turn`() async throws {
        let slots = RunSlots(count: 1)
        let holder = await slots.enqueue(9)
        try await holder.ticket.wait()
        // Account 1 asks for three turns before 2 and 3 ask for one each.
        var places: [RunSlots.Place] = []
        for account in [1, 1, 1, 2, 3] as [Int64] { places.append(await slots.enqueue(account)) }
        let order = Order()
        await withTaskGroup(of: Void.self) { group in
            for place in places {
                group.addTask {
                    try? await place.ticket.wait()
                    await order.append(place.account)
                    await slots.leave(place)
                }
            }
            await slots.leave(holder)
        }
        #expect(await order.accounts == [1, 2, 3, 1, 1])
    }

    @Test func `one account never has the last slot`() async throws {
        let slots = RunSlots(count: 3)
        var crowd: [RunSlots.Place] = []
        for _ in 0..<10 { crowd.append(await slots.enqueue(1)) }
        try await crowd[0].ticket.wait()
        try await crowd[1].ticket.wait()
        // Would wait for ever if the crowd had all three.
        try await slots.enqueue(2).ticket.wait()
    }

    private actor Order {
        private(set) var accounts: [Int64] = []
        func append(_ account: Int64) { accounts.append(account) }
    }
}

@Suite struct CommandTurnsTests {
    @Test func `a wish to cancel and the deadline end the wait`() async throws {
        let turns = CommandTurns(concurrency: 2)
        let holder = await turns.enqueue("c", writes: true)
        let waiting = JailCancellation()
        let cancelled = await turns.enqueue("c", writes: true)
        let overdue = await turns.enqueue("c", writes: true)
        let last = await turns.enqueue("c", writes: true)
        let far = ContinuousClock.now + .seconds(600)
        waiting.cancel()
        await #expect(throws: CommandTurns.Missed.cancelled) {
            try await turns.withTurn(
                at: cancelled, account: 1, cancellation: waiting, deadline: far
            ) {}
        }
        await #expect(throws: CommandTurns.Missed.overdue) {
            try await turns.withTurn(
                at: overdue, account: 1, cancellation: JailCancellation(), deadline: .now
            ) {}
        }
        // Those that missed theirs are in nobody's way.
        try await turns.withTurn(
            at: holder, account: 1, cancellation: JailCancellation(), deadline: far
        ) {}
        try await turns.withTurn(
            at: last, account: 1, cancellation: JailCancellation(), deadline: far
        ) {}
    }

    @Test func `a turn survives a throw`() async throws {
        struct Oops: Error {}
        let turns = CommandTurns(concurrency: 1)
        let far = ContinuousClock.now + .seconds(600)
        let first = await turns.enqueue("c", writes: true)
        let second = await turns.enqueue("c", writes: true)
        await #expect(throws: Oops.self) {
            try await turns.withTurn(
                at: first, account: 1, cancellation: JailCancellation(), deadline: far
            ) { throw Oops() }
        }
        try await turns.withTurn(
            at: second, account: 1, cancellation: JailCancellation(), deadline: far
        ) {}
    }
}
