internal import NIOConcurrencyHelpers

/// Wakes whoever waits for the end of a command.
///
/// Holds nothing about ends themselves: a waiter looks into the store after it has taken a place
/// here, and so cannot miss one.
package final class CompletionBell: Sendable {
    private struct State {
        var waiters: [Command.ID: [UInt64: AsyncStream<Command>.Continuation]] = [:]
        var lastWaiterID: UInt64 = 0
    }

    private let state = NIOLockedValueBox(State())
    private let sleep: @Sendable (Duration) async throws -> Void

    /// - Parameter sleep: Returns when a wait of so long is over.
    package init(
        sleep: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        }
    ) {
        self.sleep = sleep
    }

    /// A place in the line for one command.
    package struct Place: Sendable {
        fileprivate let rung: AsyncStream<Command>
        fileprivate let sleep: @Sendable (Duration) async throws -> Void

        /// The command as it ended; nil after `duration`, or on cancellation.
        package func wait(atMost duration: Duration) async -> Command? {
            await withTaskGroup(of: Command?.self) { group in
                group.addTask {
                    for await command in rung { return command }
                    return nil
                }
                group.addTask {
                    try? await sleep(duration)
                    return nil
                }
                let first = await group.next() ?? nil
                group.cancelAll()
                return first
            }
        }
    }

    /// Takes a place; it is given up when the value is dropped.
    package func place(for command: Command.ID) -> Place {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Command.self, bufferingPolicy: .bufferingOldest(1))
        let id = state.withLockedValue { state in
            state.lastWaiterID += 1
            state.waiters[command, default: [:]][state.lastWaiterID] = continuation
            return state.lastWaiterID
        }
        continuation.onTermination = { [weak self] _ in self?.leave(command, waiter: id) }
        return Place(rung: stream, sleep: sleep)
    }

    /// Tells all who wait for the command.
    package func ring(_ command: Command) {
        let waiters = state.withLockedValue { $0.waiters.removeValue(forKey: command.id) }
        for waiter in (waiters ?? [:]).values {
            waiter.yield(command)
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
