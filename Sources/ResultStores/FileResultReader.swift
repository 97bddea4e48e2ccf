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
        bytes(in: [range.clamped(to: 0..<byteCount)])
    }

    func bytes(of stream: OutputFrame.Stream) -> AsyncThrowingStream<[UInt8], any Error> {
        var offset: Int64 = 0
        var ranges: [Range<Int64>] = []
        for run in trailer.runs {
            if run.stream == stream { ranges.append(offset..<(offset + run.byteCount)) }
            offset += run.byteCount
        }
        return bytes(in: ranges)
    }

    private func bytes(in ranges: [Range<Int64>]) -> AsyncThrowingStream<[UInt8], any Error> {
        if let whole {
            return AsyncThrowingStream { continuation in
                for range in ranges where !range.isEmpty {
                    continuation.yield(Array(whole[Int(range.lowerBound)..<Int(range.upperBound)]))
                }
                continuation.finish()
            }
        }
        let cursor = Cursor(ranges)
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
        private var ranges: ArraySlice<Range<Int64>>

        init(_ ranges: [Range<Int64>]) {
            self.ranges = ranges.filter { !$0.isEmpty }[...]
        }

        func take(_ most: Int) -> (offset: Int64, count: Int)? {
            guard let range = ranges.popFirst() else { return nil }
            let count = Int(min(Int64(most), range.upperBound - range.lowerBound))
            let rest = (range.lowerBound + Int64(count))..<range.upperBound
            if !rest.isEmpty { ranges = [rest] + ranges }
            return (range.lowerBound, count)
        }
    }
}
