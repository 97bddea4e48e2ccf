internal import FoundationEssentials

/// The time of day in Unix seconds, as a value that tests replace.
///
/// ``now()`` is for stamps and expiries; deadlines are measured by ``steady()``.
package struct WallTime: Sendable {
    private let read: @Sendable () -> Double
    private let readSteady: @Sendable () -> Double

    /// - Parameters:
    ///   - read: The time of day.
    ///   - steady: What deadlines are measured by; nil for the same.
    package init(
        _ read: @escaping @Sendable () -> Double, steady: (@Sendable () -> Double)? = nil
    ) {
        self.read = read
        readSteady = steady ?? read
    }

    package func now() -> Double { read() }

    /// Unix seconds that no step of the clock moves: the time of day at this process's start, and a monotonic
    /// clock from then on.
    ///
    /// A deadline that is kept over a restart is measured by the time of day there, and by nothing else that
    /// could be.
    package func steady() -> Double { readSteady() }

    package static let system: WallTime = {
        let start = (wall: Date().timeIntervalSince1970, steady: ContinuousClock.now)
        return WallTime(
            { Date().timeIntervalSince1970 },
            steady: { start.wall + (ContinuousClock.now - start.steady) / .seconds(1) })
    }()
}
