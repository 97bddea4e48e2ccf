internal import AgentLink
internal import ControlPlane
internal import NIOPosix

/// One open result file.
///
/// Which bytes are whose is read when somebody asks for it: whoever reads both streams together need not know.
struct FileResultReader: ResultReader {
    typealias Ranges = [(stream: OutputFrame.Stream, range: Range<Int64>)]

    let file: ResultFile
    let foot: ResultFoot
    /// All bytes of a short result; nil for a longer one.
    let whole: [UInt8]?
    let threads: NIOThreadPool

    var byteCount: Int64 { foot.byteCount }

    func bytes(in range: Range<Int64>) -> AsyncThrowingStream<[UInt8], any Error> {
        // The stream does not matter here.
        let ranges = [(OutputFrame.Stream.stdout, range.clamped(to: 0..<byteCount))]
        return stream({ ranges }) { $0.bytes }
    }

    func bytes(of stream: OutputFrame.Stream) -> AsyncThrowingStream<[UInt8], any Error> {
        self.stream({ try await ranges().filter { $0.stream == stream } }) { $0.bytes }
    }

    func pieces(from offset: Int64) -> AsyncThrowingStream<OutputPiece, any Error> {
        let rest = offset..<max(offset, byteCount)
        return stream({ try await ranges().map { ($0.stream, $0.range.clamped(to: rest)) } }) { $0 }
    }

    private func ranges() async throws -> Ranges {
        try await threads.runIfActive { [file, foot] in
            try ResultTrailer.read(of: foot, in: file).ranges
        }
    }

    /// The bytes of the ranges, read when they are asked for.
    private func stream<Value: Sendable>(
        _ ranges: @escaping @Sendable () async throws -> Ranges,
        _ convert: @escaping @Sendable (OutputPiece) -> Value
    ) -> AsyncThrowingStream<Value, any Error> {
        let cursor = Cursor(ranges)
        return AsyncThrowingStream(unfolding: { [file, whole, threads] in
            guard let next = try await cursor.take(Self.pieceByteCount) else { return nil }
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
        try await threads.runIfActive { [file, foot] in
            var bytes: [UInt8] = []
            for (runStream, range) in try ResultTrailer.read(of: foot, in: file).ranges
            where runStream == stream {
                let count = min(Int(range.upperBound - range.lowerBound), limit - bytes.count)
                bytes += try file.read(at: range.lowerBound, count: count)
                guard bytes.count < limit else { break }
            }
            return bytes
        }
    }

    private static let pieceByteCount = 1 << 18

    /// Where a stream of pieces stands.
    private actor Cursor {
        private let load: @Sendable () async throws -> Ranges
        private var ranges: ArraySlice<(stream: OutputFrame.Stream, range: Range<Int64>)>?

        init(_ load: @escaping @Sendable () async throws -> Ranges) {
            self.load = load
        }

        func take(
            _ most: Int
        ) async throws -> (stream: OutputFrame.Stream, offset: Int64, count: Int)? {
            // Whoever reads a stream asks for one piece at a time.
            if ranges == nil { ranges = try await load().filter { !$0.range.isEmpty }[...] }
            guard let (stream, range) = ranges?.first else { return nil }
            let count = Int(min(Int64(most), range.upperBound - range.lowerBound))
            let rest = (range.lowerBound + Int64(count))..<range.upperBound
            if rest.isEmpty {
                ranges?.removeFirst()
            } else if let start = ranges?.startIndex {
                ranges?[start].range = rest
            }
            return (stream, range.lowerBound, count)
        }
    }
}
