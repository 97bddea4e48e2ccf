internal import AgentLink

/// The output of a command that wrote nothing.
struct EmptyResult: ResultReader {
    var byteCount: Int64 { 0 }

    func bytes(in range: Range<Int64>) -> AsyncThrowingStream<[UInt8], any Error> {
        AsyncThrowingStream { $0.finish() }
    }

    func pieces(from offset: Int64) -> AsyncThrowingStream<OutputPiece, any Error> {
        AsyncThrowingStream { $0.finish() }
    }

    func bytes(of stream: OutputFrame.Stream) -> AsyncThrowingStream<[UInt8], any Error> {
        AsyncThrowingStream { $0.finish() }
    }

    func prefix(of stream: OutputFrame.Stream, limit: Int) async throws -> [UInt8] { [] }
}
