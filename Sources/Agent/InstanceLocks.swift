/// Who may work on a container at the same time: many that read, or one that writes.
///
/// First come, first served: a writer waits for those before it, and those after it wait for the
/// writer.
actor InstanceLocks {
    enum Mode: Sendable, Hashable { case shared, exclusive }

    private struct Lock {
        var sharedHolders = 0
        var isExclusive = false
        var queue: [(id: UInt64, mode: Mode, turn: CheckedContinuation<Bool, Never>)] = []
    }

    private var locks: [String: Lock] = [:]
    private var lastWaiterID: UInt64 = 0

    /// Does `body` while it holds the container's lock.
    ///
    /// - Throws: `CancellationError` when the task was cancelled before its turn; what `body` throws.
    func withLock<Result: Sendable>(
        _ container: String, _ mode: Mode, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        try await acquire(container, mode)
        defer { release(container, mode) }
        return try await body()
    }

    private func acquire(_ container: String, _ mode: Mode) async throws {
        try Task.checkCancellation()
        if canEnter(locks[container, default: Lock()], mode) {
            enter(container, mode)
            return
        }
        lastWaiterID += 1
        let id = lastWaiterID
        let hasTurn = await withTaskCancellationHandler {
            await withCheckedContinuation { turn in
                locks[container, default: Lock()].queue.append((id, mode, turn))
            }
        } onCancel: {
            Task { await self.giveUp(container, waiter: id) }
        }
        guard hasTurn else { throw CancellationError() }
    }

    private func canEnter(_ lock: Lock, _ mode: Mode) -> Bool {
        guard lock.queue.isEmpty, !lock.isExclusive else { return false }
        return mode == .shared || lock.sharedHolders == 0
    }

    private func enter(_ container: String, _ mode: Mode) {
        switch mode {
        case .shared: locks[container, default: Lock()].sharedHolders += 1
        case .exclusive: locks[container, default: Lock()].isExclusive = true
        }
    }

    private func release(_ container: String, _ mode: Mode) {
        switch mode {
        case .shared: locks[container]?.sharedHolders -= 1
        case .exclusive: locks[container]?.isExclusive = false
        }
        admitWaiters(container)
    }

    private func giveUp(_ container: String, waiter id: UInt64) {
        guard let index = locks[container]?.queue.firstIndex(where: { $0.id == id }) else { return }
        locks[container]?.queue.remove(at: index).turn.resume(returning: false)
        admitWaiters(container)
    }

    private func admitWaiters(_ container: String) {
        guard var lock = locks[container] else { return }
        while let next = lock.queue.first {
            var probe = lock
            probe.queue = []
            guard canEnter(probe, next.mode) else { break }
            lock.queue.removeFirst()
            if next.mode == .shared { lock.sharedHolders += 1 } else { lock.isExclusive = true }
            next.turn.resume(returning: true)
        }
        let isIdle = lock.queue.isEmpty && lock.sharedHolders == 0 && !lock.isExclusive
        locks[container] = isIdle ? nil : lock
    }
}
