internal import AgentLink
internal import FoundationEssentials
internal import Hummingbird
internal import NIOCore

/// The body of a report: a command's end, and its output behind it, which is read as it comes.
actor ReportBody {
    private var iterator: RequestBody.AsyncIterator
    /// Read, and not given away yet.
    private var rest = ByteBuffer()

    init(_ body: RequestBody) {
        iterator = body.makeAsyncIterator()
    }

    /// The end; to be asked for first, and once.
    ///
    /// - Throws: ``WireError`` 400 when there is none that can be read.
    func report() async throws -> CommandFinished {
        guard
            let prefix = try await bytes(ReportHead.prefixByteCount),
            let count = ReportHead.byteCount(of: prefix.readableBytesView),
            let json = try await bytes(count),
            let report = try? WireJSON.decode(CommandFinished.self, json)
        else { throw WireError.badRequest("invalid_args", "No readable report.") }
        return report
    }

    /// What follows it.
    nonisolated var frames: Frames { Frames(body: self) }

    struct Frames: AsyncSequence, Sendable {
        fileprivate let body: ReportBody

        struct AsyncIterator: AsyncIteratorProtocol {
            fileprivate let body: ReportBody

            mutating func next() async throws -> [UInt8]? { try await body.next() }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: body) }
    }

    private func next() async throws -> [UInt8]? {
        if rest.readableBytes > 0 {
            defer { rest = ByteBuffer() }
            return [UInt8](buffer: rest)
        }
        return try await read().map { [UInt8](buffer: $0) }
    }

    /// Exactly so many; nil where the body ends before.
    private func bytes(_ count: Int) async throws -> ByteBuffer? {
        while rest.readableBytes < count {
            guard var piece = try await read() else { return nil }
            rest.writeBuffer(&piece)
        }
        return rest.readSlice(length: count)
    }

    private func read() async throws -> ByteBuffer? {
        // One caller at a time: the iterator is where it was left.
        var iterator = iterator
        defer { self.iterator = iterator }
        return try await iterator.next(isolation: self)
    }
}
