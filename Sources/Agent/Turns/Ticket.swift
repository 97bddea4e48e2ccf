/// A place in a line: its holder waits for its turn, and leaves in any case.
struct Ticket: Sendable {
    let id: UInt64
    private let turn: AsyncStream<Void>

    /// - Returns: The ticket, and what gives it its turn.
    static func make(id: UInt64) -> (ticket: Ticket, admit: @Sendable () -> Void) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingOldest(1))
        return (Ticket(id: id, turn: stream), { continuation.yield() })
    }

    /// Returns when it is the holder's turn.
    ///
    /// - Throws: `CancellationError` when the task was cancelled before.
    func wait() async throws {
        for await _ in turn { return }
        throw CancellationError()
    }
}
