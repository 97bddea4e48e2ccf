internal import NIOConcurrencyHelpers

/// Commands whose acceptance did not reach the caller, for the five seconds in which stock clients send
/// their order again.
final class UndeliveredAnswers: Sendable {
    private let noted: NIOLockedValueBox<[Command.ID: ContinuousClock.Instant]> = .init([:])

    func note(_ id: Command.ID) {
        noted.withLockedValue { $0[id] = .now }
    }

    /// Those that were noted in the last five seconds.
    func recent() -> [Command.ID] {
        noted.withLockedValue { noted in
            noted = noted.filter { .now - $0.value < Self.memory }
            return Array(noted.keys)
        }
    }

    private static let memory = Duration.seconds(5)
}
