internal import NIOConcurrencyHelpers

/// Wakes whoever waits for the end of a command.
///
/// Holds nothing about ends themselves: a waiter looks into the store after it has taken a place
/// here, and so cannot miss one.
package final class CompletionBell: Sendable {
    private struct State {
        var waiters: [Command.ID: [UInt64: AsyncStream<Void>.Continuation]] = [:]
        var lastWaiterID: UInt64 = 0
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    /// A place in the line for one command.
    package struct Place: Sendable {
        fileprivate let rung: AsyncStream<Void>

        /// Returns true once the command has ended, false after `duration` or on cancellation.
        package func wait(atMost duration: Duration) async -> Bool {
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    for await _ in rung { return true }
                    return false
                }
                group.addTask {
                    try? await Task.sleep(for: duration)
                    return false
                }
                let first = await group.next() ?? false
                group.cancelAll()
                return first
            }
        }
    }

    /// Takes a place; it is given up when the value is dropped.
    package func place(for command: Command.ID) -> Place {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingOldest(1))
        let id = state.withLockedValue { state in
            state.lastWaiterID += 1
            state.waiters[command, default: [:]][state.lastWaiterID] = continuation
            return state.lastWaiterID
        }
        continuation.onTermination = { [weak self] _ in self?.leave(command, waiter: id) }
        return Place(rung: stream)
    }

    /// Tells all who wait for the command.
    package func ring(_ command: Command.ID) {
        let waiters = state.withLockedValue { $0.waiters.removeValue(forKey: command) }
        for waiter in (waiters ?? [:]).values {
            waiter.yield()
            waiter.finish()
        }
    }

    private func leave(_ command: Command.ID, waiter id: UInt64) {
        state.withLockedValue { state in
            state.waiters[command]?[id] = nil
            if state.waiters[command]?.isEmpty == true { state.waiters[command] = nil }
        }
    }
}
