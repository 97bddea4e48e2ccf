internal import AsyncHTTPClient
internal import NIOCore

/// Takes a stream of the engine's apart: a byte for which of the two it is, three of nothing, four for the length
/// (big endian), the bytes.
///
/// Bytes are given on as they come, so that no frame, however long it says it is, is kept as a whole.
struct FrameReader {
    private var buffer = ByteBuffer()
    private var stream = EngineProcess.Stream.stdout
    /// Of the frame that is being read.
    private var missing = 0

    mutating func append(_ piece: ByteBuffer) {
        buffer.discardReadBytes()
        buffer.writeImmutableBuffer(piece)
    }

    /// The next bytes; nil until there are more.
    mutating func next() -> (EngineProcess.Stream, [UInt8])? {
        while missing == 0 {
            guard let kind: UInt8 = buffer.getInteger(at: buffer.readerIndex),
                let length: UInt32 = buffer.getInteger(at: buffer.readerIndex + 4)
            else { return nil }
            buffer.moveReaderIndex(forwardBy: 8)
            stream = kind == 2 ? .stderr : .stdout
            missing = Int(length)
        }
        guard buffer.readableBytes > 0 else { return nil }
        let count = min(missing, buffer.readableBytes)
        missing -= count
        return buffer.readBytes(length: count).map { (stream, $0) }
    }
}

/// What a container or a program in one writes, read only as fast as somebody takes it.
actor EngineOutput {
    typealias Piece = (EngineProcess.Stream, [UInt8])

    private var body: HTTPClientResponse.Body.AsyncIterator
    private var frames = FrameReader()
    /// A terminal makes one stream of two, without frames.
    private let isFramed: Bool

    private init(_ response: HTTPClientResponse, isFramed: Bool) {
        body = response.body.makeAsyncIterator()
        self.isFramed = isFramed
    }

    static func stream(
        of response: HTTPClientResponse, isFramed: Bool
    ) -> AsyncThrowingStream<Piece, any Error> {
        let output = EngineOutput(response, isFramed: isFramed)
        return AsyncThrowingStream { try await output.next() }
    }

    private func next() async throws -> Piece? {
        while true {
            if let piece = frames.next() { return piece }
            var iterator = body
            let read = try await iterator.next(isolation: self)
            body = iterator
            guard let read else { return nil }
            guard isFramed else { return (.stdout, Array(buffer: read)) }
            frames.append(read)
        }
    }
}
