internal import NIOConcurrencyHelpers

/// Gives up what has told nothing new for a while.
final class StallWatch: Sendable {
    /// It told nothing for as long as this.
    struct Stalled: Error, Sendable, Hashable {
        var limit: Duration
    }

    private let limit: Duration
    private let last: NIOLockedValueBox<ContinuousClock.Instant>
    private let now: @Sendable () -> ContinuousClock.Instant
    private let sleep: @Sendable (ContinuousClock.Instant) async throws -> Void

    /// - Parameters:
    ///   - limit: For how long it may be silent.
    ///   - now: The clock.
    ///   - sleep: Returns when it is so late.
    init(
        limit: Duration, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        sleep: @escaping @Sendable (ContinuousClock.Instant) async throws -> Void = {
            try await Task.sleep(until: $0, clock: .continuous)
        }
    ) {
        self.limit = limit
        self.now = now
        self.sleep = sleep
        last = .init(now())
    }

    /// There was news.
    func hear() {
        let now = now()
        last.withLockedValue { $0 = now }
    }

    /// Does `body`, and breaks it off when there was no news for too long.
    ///
    /// - Throws: ``Stalled``; what `body` throws.
    func watch(_ body: @escaping @Sendable () async throws -> Void) async throws {
        hear()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { [limit, last, now, sleep] in
                while true {
                    let end = last.withLockedValue { $0 } + limit
                    guard end > now() else { throw Stalled(limit: limit) }
                    try await sleep(end)
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
