/// Opens once.
final class FirstSync: Sendable {
    private let (opening, opened) = AsyncStream.makeStream(of: Void.self)

    func happened() {
        opened.finish()
    }

    /// Returns when it has happened, or the task was cancelled; for one who waits.
    func wait() async {
        for await _ in opening {}
    }
}

/// What came of something that was to be told.
final class Receipt: Sendable {
    enum Answer: Sendable, Hashable {
        /// The server has it.
        case told
        /// There was nothing to tell it of any more, which it has been told instead.
        case gone
        /// The server may not have it.
        case failed
    }

    private let (answers, answer) = AsyncStream.makeStream(of: Answer.self)

    func end(_ end: Answer) {
        answer.yield(end)
        answer.finish()
    }

    /// - Returns: `failed` also when the task was cancelled; for one who waits.
    func wait() async -> Answer {
        for await end in answers { return end }
        return .failed
    }
}
