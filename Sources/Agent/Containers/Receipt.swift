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
    private let (answers, answer) = AsyncStream.makeStream(of: Bool.self)

    func end(isTold: Bool) {
        answer.yield(isTold)
        answer.finish()
    }

    /// - Returns: False also when the task was cancelled; for one who waits.
    func wait() async -> Bool {
        for await isTold in answers { return isTold }
        return false
    }
}
