internal import AsyncHTTPClient
internal import NIOCore

/// A body as it comes.
///
/// Its server may be silent for so long, while the next piece is waited for. Whoever writes the last one to a pipe that
/// nobody reads from may take as long as that takes: the network library's own limit would count it.
actor AnswerBody {
    private let server: String
    private let silence: @Sendable () async throws -> Void
    private var pieces: HTTPClientResponse.Body.AsyncIterator

    init(
        _ body: sending HTTPClientResponse.Body, of server: String,
        silence: @escaping @Sendable () async throws -> Void
    ) {
        self.server = server
        self.silence = silence
        pieces = body.makeAsyncIterator()
    }

    /// The next piece; nil at the end.
    ///
    /// - Throws: ``ClientError`` that may pass, when it was broken off.
    func next() async throws -> ByteBuffer? {
        do {
            let piece = try await before(silence) { try await self.pull() }
            // A body whose reader is cancelled may end like any other.
            try Task.checkCancellation()
            return piece
        } catch {
            try Task.checkCancellation()
            throw ClientError(
                "\(server) broke its answer off: \(ConnectionFailure.words(for: error))",
                mayPass: true)
        }
    }

    /// All of it.
    ///
    /// - Throws: ``ClientError``, also when it is longer than that.
    func whole(upTo limit: Int) async throws -> ByteBuffer {
        var whole = ByteBuffer()
        while var piece = try await next() {
            guard whole.readableBytes + piece.readableBytes <= limit else {
                throw ClientError("\(server) gave an answer of more than \(limit) bytes")
            }
            whole.writeBuffer(&piece)
        }
        return whole
    }

    private func pull() async throws -> ByteBuffer? {
        var pieces = pieces
        defer { self.pieces = pieces }
        return try await pieces.next(isolation: self)
    }
}
