internal import NIOConcurrencyHelpers

/// Commands of whose acceptance the caller does not know yet, or never heard; the latter for the five seconds in which
/// stock clients send their order again.
final class UndeliveredAnswers: Sendable {
    private enum State {
        /// Being answered.
        case open
        case lost(ContinuousClock.Instant)
    }

    private let states: NIOLockedValueBox<[Command.ID: State]> = .init([:])

    /// The answer is on its way; ``arrived(_:)`` or ``gotLost(_:)`` follows.
    func begin(_ id: Command.ID) {
        states.withLockedValue { $0[id] = .open }
    }

    func arrived(_ id: Command.ID) {
        states.withLockedValue { _ = $0.removeValue(forKey: id) }
    }

    func gotLost(_ id: Command.ID) {
        states.withLockedValue { $0[id] = .lost(.now) }
    }

    /// Those that an equal order means.
    func recent() -> [Command.ID] {
        states.withLockedValue { states in
            states = states.filter { _, state in
                guard case .lost(let time) = state else { return true }
                return .now - time < Self.memory
            }
            return Array(states.keys)
        }
    }

    /// How long a lost answer is remembered.
    static let memory = Duration.seconds(5)
}
