internal import CommandPolicy
internal import NIOConcurrencyHelpers

/// The last decisions, by the text that they are kept as.
///
/// A command is read some six times between its acceptance and its result, and its decision is most of the work of
/// each reading.
final class DecisionCache: Sendable {
    static let shared = DecisionCache()

    private let decisions = NIOLockedValueBox<[String: Decision]>([:])

    /// The decision of a text.
    func decision(_ text: String) throws -> Decision {
        if let known = decisions.withLockedValue({ $0[text] }) { return known }
        let decision: Decision = try JSON.decode(text)
        keep(decision, as: text)
        return decision
    }

    /// Remembers what a text stands for.
    func keep(_ decision: Decision, as text: String) {
        decisions.withLockedValue { decisions in
            if decisions.count >= Self.capacity { decisions = [:] }
            decisions[text] = decision
        }
    }

    /// Of commands that are under way at a time; each takes some kilobytes.
    private static let capacity = 1024
}
