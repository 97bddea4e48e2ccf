internal import UnixSignals

/// SIGINT and SIGTERM, which from now on end this process no more, one after the other.
struct Interrupts: Sendable {
    private let presses: AsyncStream<Void>

    /// For tests, which press themselves.
    init(_ presses: AsyncStream<Void>) {
        self.presses = presses
    }

    init() async {
        let (presses, continuation) = AsyncStream.makeStream(of: Void.self)
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        Task { for await _ in signals { continuation.yield() } }
        self.presses = presses
    }

    /// Returns with the next one, or when the task is cancelled.
    func next() async {
        var presses = presses.makeAsyncIterator()
        await presses.next()
    }
}
