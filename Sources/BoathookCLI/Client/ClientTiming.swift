/// How long the client waits for a server.
struct ClientTiming: Sendable {
    /// Returns when a head, or the next piece of a body, has been waited for in vain: longer than any answer is held
    /// back, and those who follow hear of the server every ten seconds.
    var silence: @Sendable () async throws -> Void = { try await Task.sleep(for: .seconds(90)) }
    /// How long the server may be away while something is under way.
    var absence = Duration.seconds(60)
    /// Between two attempts.
    var pause = Duration.milliseconds(300)
}

/// How long a server has been away: since the first of the failures that nothing came between.
struct Absence: Sendable {
    private let limit: Duration
    private var since: ContinuousClock.Instant?

    init(limit: Duration) {
        self.limit = limit
    }

    /// Something came.
    mutating func end() {
        since = nil
    }

    /// Notes a failure.
    ///
    /// - Returns: Whether to ask again, which is done at least once, however late the failure came.
    mutating func goesOn() -> Bool {
        guard let since else {
            since = .now
            return true
        }
        return .now - since < limit
    }
}

/// It took longer than it may.
struct Overdue: Error {}

/// Ends work that takes too long.
///
/// - Parameters:
///   - limit: How long it may take.
///   - work: What is cancelled then.
/// - Returns: What the work returned in time.
/// - Throws: ``Overdue``, or what the work throws.
func within<Value: Sendable>(
    _ limit: Duration, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await before({ try await Task.sleep(for: limit) }, work)
}

/// Ends work that is not done before something else is.
///
/// - Parameters:
///   - end: Returns when it is too late.
///   - work: What is cancelled then.
/// - Returns: What the work returned in time.
/// - Throws: ``Overdue``, or what the work throws.
func before<Value: Sendable>(
    _ end: @escaping @Sendable () async throws -> Void,
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        defer { group.cancelAll() }
        group.addTask(operation: work)
        group.addTask {
            try await end()
            throw Overdue()
        }
        guard let value = try await group.next() else { throw Overdue() }
        return value
    }
}
