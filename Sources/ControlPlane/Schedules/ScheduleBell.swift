internal import NIOConcurrencyHelpers

/// Wakes the scheduler when jobs have changed.
package final class ScheduleBell: Sendable {
    private let waiter: NIOLockedValueBox<AsyncStream<Void>.Continuation?> = .init(nil)

    package init() {}

    package func ring() {
        waiter.withLockedValue { $0 }?.yield()
    }

    /// A place for the one who waits: it hears what is rung from now on, also while it does something else.
    struct Place: Sendable {
        fileprivate let rung: AsyncStream<Void>

        /// Returns when it was rung, at a time of day, or when the task is cancelled.
        ///
        /// - Parameters:
        ///   - wake: The time of day; nil for none.
        ///   - time: The clock. It may be set while somebody sleeps, so it is looked at again now and then.
        func wait(until wake: Double?, by time: WallTime) async {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in rung { return } }
                if let wake {
                    group.addTask {
                        while case let rest = wake - time.now(), rest > 0, !Task.isCancelled {
                            try? await Task.sleep(for: .seconds(min(rest, Self.longestSleep)))
                        }
                    }
                }
                await group.next()
                group.cancelAll()
            }
        }

        private static let longestSleep = 30.0
    }

    /// Takes the one place; whoever had it before hears nothing more.
    func place() -> Place {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        waiter.withLockedValue { $0 = continuation }
        return Place(rung: stream)
    }
}
