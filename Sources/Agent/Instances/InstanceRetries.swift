/// When a wish that failed is tried again, and what its owner is told until then.
///
/// Callers that wait for an instance take `exited` for the end (contract 3.4). So it is told when trying again
/// changes nothing, or when it has not helped for so long that nobody should wait any more.
struct InstanceRetries: Sendable {
    /// How it goes on after a failure.
    enum Next: Sendable, Hashable {
        /// As it is until another wish comes, or the same once more.
        case rest
        /// Tried again after the pause; `isLoading` is what is told meanwhile, else that it failed.
        case again(after: Duration, isLoading: Bool)
    }

    private var failureCount = 0
    private var firstFailure: ContinuousClock.Instant?
    /// Whether the owner was told that it failed, although it is still tried.
    private(set) var isOverdue = false

    /// - Parameters:
    ///   - failure: What went wrong this time.
    ///   - now: The moment of it.
    /// - Returns: Pauses of 1 s, 2 s, 4 s … 60 s.
    mutating func next(
        after failure: InstanceFailure, at now: ContinuousClock.Instant
    ) -> Next {
        guard !failure.isFinal else { return .rest }
        let first = firstFailure ?? now
        firstFailure = first
        isOverdue = now - first >= Self.patience
        let pause = Duration.seconds(min(60, 1 << min(failureCount, 6)))
        failureCount += 1
        return .again(after: pause, isLoading: !isOverdue)
    }

    /// From the first failure of a wish on.
    static let patience = Duration.seconds(600)
}
