internal import AgentLink
internal import ControlPlane
internal import NIOPosix

/// One open result file.
struct FileResultReader: ResultReader {
    let file: ResultFile
    let trailer: ResultTrailer
    /// All bytes of a short result; nil for a longer one.
    let whole: [UInt8]?
    let threads: NIOThreadPool

    var byteCount: Int64 { trailer.byteCount }

    func bytes(in range: Range<Int64>) -> AsyncThrowingStream<[UInt8], any Error> {
        // The stream does not matter here.
        let ranges = [(OutputFrame.Stream.stdout, range.clamped(to: 0..<byteCount))]
        return stream(ranges) { $0.bytes }
    }

    func bytes(of stream: OutputFrame.Stream) -> AsyncThrowingStream<[UInt8], any Error> {
        self.stream(trailer.ranges.filter { $0.stream == stream }) { $0.bytes }
    }

    func pieces(from offset: Int64) -> AsyncThrowingStream<OutputPiece, any Error> {
        let rest = offset..<max(offset, byteCount)
        return stream(trailer.ranges.map { ($0.stream, $0.range.clamped(to: rest)) }) { $0 }
    }

    /// The bytes of the ranges, read when they are asked for.
    private func stream<Value: Sendable>(
        _ ranges: [(stream: OutputFrame.Stream, range: Range<Int64>)],
        _ convert: @escaping @Sendable (OutputPiece) -> Value
    ) -> AsyncThrowingStream<Value, any Error> {
        let cursor = Cursor(ranges)
        return AsyncThrowingStream(unfolding: { [file, whole, threads] in
            guard let next = await cursor.take(Self.pieceByteCount) else { return nil }
            let bytes =
                if let whole {
                    Array(whole[Int(next.offset)..<(Int(next.offset) + next.count)])
                } else {
                    try await threads.runIfActive {
                        try file.read(at: next.offset, count: next.count)
                    }
                }
            return convert(OutputPiece(stream: next.stream, bytes: bytes))
        })
    }

    func prefix(of stream: OutputFrame.Stream, limit: Int) async throws -> [UInt8] {
        try await threads.runIfActive { [file, trailer] in
            var bytes: [UInt8] = []
            var offset: Int64 = 0
            for run in trailer.runs {
                if run.stream == stream {
                    let count = min(Int(run.byteCount), limit - bytes.count)
                    bytes += try file.read(at: offset, count: count)
                    guard bytes.count < limit else { break }
                }
                offset += run.byteCount
            }
            return bytes
        }
    }

    private static let pieceByteCount = 1 << 18

    /// Where a stream of pieces stands.
    private actor Cursor {
        private var ranges: ArraySlice<(stream: OutputFrame.Stream, range: Range<Int64>)>

        init(_ ranges: [(stream: OutputFrame.Stream, range: Range<Int64>)]) {
            self.ranges = ranges.filter { !$0.range.isEmpty }[...]
        }

        func take(_ most: Int) -> (stream: OutputFrame.Stream, offset: Int64, count: Int)? {
            guard let (stream, range) = ranges.first else { return nil }
            let count = Int(min(Int64(most), range.upperBound - range.lowerBound))
            let rest = (range.lowerBound + Int64(count))..<range.upperBound
            if rest.isEmpty {
                ranges.removeFirst()
            } else {
                ranges[ranges.startIndex].range = rest
            }
            return (stream, range.lowerBound, count)
        }
    }
}
