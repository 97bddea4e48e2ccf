/// Whether the container engine answers.
///
/// A stream of events that breaks says so, unless the next one opens at once: an engine that is restarted may be away for
/// a moment. One that takes connections and says nothing is known by questions that it does not answer.
struct EngineHealth: Sendable {
    private var brokenSince: ContinuousClock.Instant?
    private var isBroken = false
    private var silentCount = 0

    /// Whether nobody knows how its containers are.
    var isAway: Bool { isBroken || silentCount >= Self.silentLimit }

    /// A stream ended, or could not be opened.
    ///
    /// - Returns: Whether that changes ``isAway``.
    mutating func streamBroke(at now: ContinuousClock.Instant) -> Bool {
        let since = brokenSince ?? now
        brokenSince = since
        return changes { $0.isBroken = $0.isBroken || now - since >= Self.patience }
    }

    /// - Returns: Whether that changes ``isAway``.
    mutating func streamOpened() -> Bool {
        brokenSince = nil
        return changes {
            $0.isBroken = false
            $0.silentCount = 0
        }
    }

    /// - Parameter hasAnswered: Whether a question was answered within its time.
    /// - Returns: Whether that changes ``isAway``.
    mutating func wasAsked(_ hasAnswered: Bool) -> Bool {
        changes { $0.silentCount = hasAnswered ? 0 : $0.silentCount + 1 }
    }

    private mutating func changes(_ change: (inout Self) -> Void) -> Bool {
        let before = isAway
        change(&self)
        return isAway != before
    }

    /// Between the end of a stream and the last attempt to open the next one.
    private static let patience = Duration.milliseconds(250)
    /// One answer may be late because the engine has much to do.
    private static let silentLimit = 2
}
