internal import Glibc
internal import NIOConcurrencyHelpers

/// A wish that a run end, from any thread, before or while it runs.
///
/// It holds descriptors while its run waits for it, and none before: thousands may wait in a queue.
package final class JailCancellation: Sendable {
    private struct State {
        var isCancelled = false
        var pipe: Pipe?
        var waiters: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var lastWaiterID: UInt64 = 0
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    package func cancel() {
        state.withLockedValue { state in
            guard !state.isCancelled else { return }
            state.isCancelled = true
            state.pipe?.signal()
            for waiter in state.waiters.values { waiter.finish() }
            state.waiters = [:]
        }
    }

    /// Returns once the wish was made, or the task is cancelled.
    package func waitUntilCancelled() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let id = state.withLockedValue { state in
            state.lastWaiterID += 1
            if state.isCancelled {
                continuation.finish()
            } else {
                state.waiters[state.lastWaiterID] = continuation
            }
            return state.lastWaiterID
        }
        for await _ in stream {}
        state.withLockedValue { $0.waiters[id] = nil }
    }

    package var isCancelled: Bool {
        state.withLockedValue { $0.isCancelled }
    }

    /// Gives `body` a descriptor that is readable once the wish was made.
    func withDescriptor<Result>(
        _ body: (CInt) throws(JailError) -> Result
    ) throws(JailError) -> Result {
        let pipe = try Pipe()
        state.withLockedValue { state in
            state.pipe = pipe
            if state.isCancelled { pipe.signal() }
        }
        defer {
            state.withLockedValue { $0.pipe = nil }
            pipe.closeReader()
            pipe.closeWriter()
        }
        return try body(pipe.reader)
    }
}

extension Pipe {
    fileprivate func signal() {
        var byte: UInt8 = 1
        write(writer, &byte, 1)
    }
}
