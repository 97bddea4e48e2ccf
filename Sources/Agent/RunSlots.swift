/// How many tools run at once on this machine; others wait their turn, first come, first served.
actor RunSlots {
    private var free: Int
    private var queue: [(id: UInt64, turn: CheckedContinuation<Bool, Never>)] = []
    private var lastWaiterID: UInt64 = 0

    init(count: Int) {
        free = count
    }

    /// Does `body` in a slot of its own.
    ///
    /// - Throws: `CancellationError` when the task was cancelled before its turn; what `body` throws.
    func withSlot<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws
        -> Result
    {
        try await acquire()
        defer { release() }
        return try await body()
    }

    private func acquire() async throws {
        try Task.checkCancellation()
        if free > 0 {
            free -= 1
            return
        }
        lastWaiterID += 1
        let id = lastWaiterID
        let hasTurn = await withTaskCancellationHandler {
            await withCheckedContinuation { queue.append((id, $0)) }
        } onCancel: {
            Task { await self.giveUp(id) }
        }
        guard hasTurn else { throw CancellationError() }
    }

    private func release() {
        if queue.isEmpty { free += 1 } else { queue.removeFirst().turn.resume(returning: true) }
    }

    private func giveUp(_ id: UInt64) {
        guard let index = queue.firstIndex(where: { $0.id == id }) else { return }
        queue.remove(at: index).turn.resume(returning: false)
    }
}
