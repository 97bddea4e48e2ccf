/// Where a command is (design.md, "States").
///
/// ```
/// queued ──▶ dispatched ──▶ running ──▶ exited │ signalled │ timedOut │ cancelled │ denied │ lost
///    └────────────┴──────▶ expired │ cancelled │ denied │ lost
/// ```
/// A state to the right of the bar never changes again. `dispatched` and `running` may be skipped:
/// they tell people how far a command has come, and a quick one is over before they are written.
package enum CommandState: String, Sendable, Hashable, CaseIterable {
    case queued, dispatched, running
    case exited, signalled
    case timedOut = "timed_out"
    case cancelled, denied, lost, expired

    /// Whether it never changes again.
    package var isTerminal: Bool { rank == 3 }

    /// Whether a command in this state may enter `next`: only forward, and never out of an end.
    package func allows(_ next: CommandState) -> Bool {
        !isTerminal && next.rank > rank
    }

    private var rank: Int {
        switch self {
        case .queued: 0
        case .dispatched: 1
        case .running: 2
        case .exited, .signalled, .timedOut, .cancelled, .denied, .lost, .expired: 3
        }
    }
}
