import ControlPlane
import Testing

@Suite struct CommandStateTests {
    @Test func `states go forward alone, and ends are ends`() {
        let order: [[CommandState]] = [
            [.queued], [.dispatched], [.running],
            [.exited, .signalled, .timedOut, .cancelled, .denied, .lost, .expired],
        ]
        #expect(Set(order.joined()) == Set(CommandState.allCases))
        for (rank, states) in order.enumerated() {
            for (nextRank, nextStates) in order.enumerated() {
                for state in states {
                    for next in nextStates {
                        #expect(
                            state.allows(next) == (rank < 3 && nextRank > rank),
                            "\(state) → \(next)")
                    }
                }
            }
        }
    }
}
