internal import AgentLink

/// What stands behind the output in a result's file.
///
/// First the runs: for each, one byte of stream and the run's length in bytes as a big-endian 64-bit
/// number. Then the foot: the output's length, likewise, and eight bytes by which a whole file is
/// known.
struct ResultTrailer: Sendable, Hashable {
    /// Bytes of one stream that arrived without a byte of the other between them.
    struct Run: Sendable, Hashable {
        var stream: OutputFrame.Stream
        var byteCount: Int64
    }

    var runs: [Run] = []

    /// The runs, each with its place in the output.
    var ranges: [(stream: OutputFrame.Stream, range: Range<Int64>)] {
        var offset: Int64 = 0
        return runs.map { run in
            defer { offset += run.byteCount }
            return (run.stream, offset..<(offset + run.byteCount))
        }
    }

    var byteCount: Int64 { runs.reduce(0) { $0 + $1.byteCount } }

    mutating func extend(_ stream: OutputFrame.Stream, by count: Int) {
        if runs.last?.stream == stream {
            runs[runs.count - 1].byteCount += Int64(count)
        } else {
            runs.append(Run(stream: stream, byteCount: Int64(count)))
        }
    }

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(runs.count * Self.runByteCount + Self.footByteCount)
        for run in runs {
            bytes.append(run.stream.rawValue)
            bytes.append(contentsOf: Self.bigEndian(run.byteCount))
        }
        bytes.append(contentsOf: Self.bigEndian(byteCount))
        bytes.append(contentsOf: Self.mark)
        return bytes
    }

    /// The trailer of a whole file; nil when the file is not whole.
    static func read(from file: ResultFile) throws(FileError) -> ResultTrailer? {
        let size = try file.byteCount()
        guard size >= Int64(footByteCount) else { return nil }
        let foot = try file.read(at: size - Int64(footByteCount), count: footByteCount)
        guard foot.count == footByteCount, foot[8...].elementsEqual(mark) else { return nil }
        let outputByteCount = number(foot[..<8])
        let runsByteCount = size - Int64(footByteCount) - outputByteCount
        guard outputByteCount >= 0, runsByteCount >= 0,
            runsByteCount % Int64(runByteCount) == 0
        else { return nil }
        let encoded = try file.read(at: outputByteCount, count: Int(runsByteCount))
        var trailer = ResultTrailer()
        for start in stride(from: 0, to: encoded.count, by: runByteCount) {
            guard let stream = OutputFrame.Stream(rawValue: encoded[start]) else { return nil }
            trailer.runs.append(
                Run(stream: stream, byteCount: number(encoded[(start + 1)..<(start + 9)])))
        }
        return trailer.byteCount == outputByteCount ? trailer : nil
    }

    private static let runByteCount = 9
    private static let footByteCount = 16
    private static let mark = Array("\nBHRES1\n".utf8)

    private static func bigEndian(_ value: Int64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
        bytes.reduce(0) { $0 << 8 | Int64($1) }
    }
}
