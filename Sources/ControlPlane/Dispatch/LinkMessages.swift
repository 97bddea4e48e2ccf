package import AgentLink

/// The messages of one link, for the one who writes them on it.
///
/// The link closes when this is dropped.
package struct LinkMessages: AsyncSequence, Sendable {
    package typealias Element = ServerMessage
    package typealias Failure = Never

    private let reader: LinkReader

    init(_ queue: LinkQueue) {
        reader = LinkReader(queue)
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let reader: LinkReader

        package func next() async -> ServerMessage? { await reader.queue.next() }

        package func next(isolation: isolated (any Actor)?) async -> ServerMessage? {
            await reader.queue.next()
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: reader) }

    /// How many wait to be read.
    package var waitingCount: Int { reader.queue.count }

    /// Returns true when the link is to be closed at once, whoever is still writing.
    ///
    /// Another one of the machine took its place, or the machine does not read, or was revoked. False when the task is
    /// cancelled before.
    package func waitUntilCut() async -> Bool { await reader.queue.waitUntilCut() }
}

private final class LinkReader: Sendable {
    let queue: LinkQueue

    init(_ queue: LinkQueue) {
        self.queue = queue
    }

    deinit { queue.cut() }
}
