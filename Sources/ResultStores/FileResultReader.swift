internal import AgentLink
internal import ControlPlane
internal import NIOPosix

/// One open result file.
struct FileResultReader: ResultReader {
    let file: ResultFile
    let trailer: ResultTrailer
    let threads: NIOThreadPool

    var byteCount: Int64 { trailer.byteCount }

    func bytes(in range: Range<Int64>) -> AsyncThrowingStream<[UInt8], any Error> {
        let range = range.clamped(to: 0..<byteCount)
        let cursor = Cursor(next: range.lowerBound, end: range.upperBound)
        return AsyncThrowingStream(unfolding: { [file, threads] in
            guard let (offset, count) = await cursor.take(Self.pieceByteCount) else { return nil }
            return try await threads.runIfActive { try file.read(at: offset, count: count) }
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
        private var next: Int64
        private let end: Int64

        init(next: Int64, end: Int64) {
            self.next = next
            self.end = end
        }

        func take(_ most: Int) -> (offset: Int64, count: Int)? {
            guard next < end else { return nil }
            let count = Int(min(Int64(most), end - next))
            defer { next += Int64(count) }
            return (next, count)
        }
    }
}
