internal import NIOConcurrencyHelpers

/// What is known of a command's output from the moment its order is taken until the server has its end.
///
/// The tool's thread tells of what it wrote; those who follow look, and wait for more. Neither waits for the
/// other.
final class LiveOutput: Sendable {
    /// What there is to read.
    struct Extent: Sendable {
        /// Nil before the tool's start.
        var file: SpoolFile?
        /// Which start of the tool it is.
        var run = ""
        /// Bytes of the file that are whole frames.
        var byteCount = 0
        /// Whether there will be no more.
        var isEnded = false
    }

    private struct State {
        var extent = Extent()
        var watchers: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var lastWatcherID: UInt64 = 0
    }

    private let state = NIOLockedValueBox(State())

    var extent: Extent { state.withLockedValue { $0.extent } }

    /// The tool is about to start.
    func begin(_ file: SpoolFile, run: String) {
        change { $0 = Extent(file: file, run: run) }
    }

    func advance(to byteCount: Int) {
        change { $0.byteCount = byteCount }
    }

    func end() {
        change { $0.isEnded = true }
    }

    /// The server has everything: the file may be used for something else.
    func forget() {
        change {
            $0.isEnded = true
            $0.file = nil
        }
    }

    /// An element after each change; several may come as one.
    func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLockedValue { state in
            state.lastWatcherID += 1
            state.watchers[state.lastWatcherID] = continuation
            return state.lastWatcherID
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLockedValue { $0.watchers[id] = nil }
        }
        return stream
    }

    func wakeWatchers() {
        let watchers = state.withLockedValue { Array($0.watchers.values) }
        for watcher in watchers { watcher.yield() }
    }

    private func change(_ body: (inout Extent) -> Void) {
        state.withLockedValue { body(&$0.extent) }
        wakeWatchers()
    }
}
