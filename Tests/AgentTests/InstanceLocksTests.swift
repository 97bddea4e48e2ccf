import Testing

@testable import Agent

@Suite struct InstanceLocksTests {
    @Test func `readers share, a writer is alone, and nobody is overtaken`() async throws {
        let locks = InstanceLocks()
        let record = Record()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                let mode: InstanceLocks.Mode = index % 5 == 0 ? .exclusive : .shared
                group.addTask {
                    try await locks.withLock("c", mode) {
                        await record.enter(mode)
                        await Task.yield()
                        await record.leave(mode)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(await record.violations == 0)
        #expect(await record.entries == 200)
    }

    @Test func `a lock survives a throw and a cancellation`() async throws {
        struct Oops: Error {}
        let locks = InstanceLocks()
        await #expect(throws: Oops.self) {
            try await locks.withLock("c", .exclusive) { throw Oops() }
        }
        let (inside, enter) = AsyncStream.makeStream(of: Void.self)
        let (release, finish) = AsyncStream.makeStream(of: Void.self)
        let holder = Task {
            try await locks.withLock("c", .exclusive) {
                enter.finish()
                for await _ in release {}
            }
        }
        for await _ in inside {}
        let waiter = Task { try await locks.withLock("c", .shared) {} }
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        finish.finish()
        try await holder.value
        try await locks.withLock("c", .exclusive) {}
    }

    @Test func `other containers do not wait`() async throws {
        let locks = InstanceLocks()
        try await locks.withLock("a", .exclusive) {
            try await locks.withLock("b", .exclusive) {}
        }
    }

    private actor Record {
        private var shared = 0
        private var exclusive = 0
        private(set) var violations = 0
        private(set) var entries = 0

        func enter(_ mode: InstanceLocks.Mode) {
            if mode == .shared { shared += 1 } else { exclusive += 1 }
            entries += 1
            if exclusive > 1 || (exclusive == 1 && shared > 0) { violations += 1 }
        }

        func leave(_ mode: InstanceLocks.Mode) {
            if mode == .shared { shared -= 1 } else { exclusive -= 1 }
        }
    }
}
