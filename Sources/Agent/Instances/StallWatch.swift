internal import NIOConcurrencyHelpers

/// Gives up what has told nothing new for a while.
final class StallWatch: Sendable {
    /// It told nothing for as long as this.
    struct Stalled: Error, Sendable, Hashable {
        var limit: Duration
    }

    private let limit: Duration
    private let last = NIOLockedValueBox(ContinuousClock.now)

    /// - Parameter limit: For how long it may be silent.
    init(limit: Duration) {
        self.limit = limit
    }

    /// There was news.
    func hear() {
        last.withLockedValue { $0 = .now }
    }

    /// Does `body`, and breaks it off when there was no news for too long.
    ///
    /// - Throws: ``Stalled``; what `body` throws.
    func watch(_ body: @escaping @Sendable () async throws -> Void) async throws {
        hear()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { [limit, last] in
                while true {
                    let end = last.withLockedValue { $0 } + limit
                    guard end > .now else { throw Stalled(limit: limit) }
                    try await Task.sleep(until: end, clock: .continuous)
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
