internal import AgentLink
internal import Glibc

/// What stands behind the output in a result's file, and tells the streams apart.
///
/// First the runs: one byte of stream, which is that of the first run, and then each run's length in bytes, seven bits
/// to a byte, the low ones first, and the eighth set but on the last one. Runs take turns between the streams. So
/// there are never more bytes of runs than of output, and one that says whose the first is. Then the foot: the
/// output's length as a big-endian 64-bit number, and eight bytes by which a whole file is known.
struct ResultTrailer: Sendable, Hashable {
    /// Bytes of one stream that arrived without a byte of the other between them.
    struct Run: Sendable, Hashable {
        var stream: OutputFrame.Stream
        var byteCount: Int64
    }

    private(set) var runs: [Run] = []

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
        } else if count > 0 {
            runs.append(Run(stream: stream, byteCount: Int64(count)))
        }
    }

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        if let first = runs.first { bytes.append(first.stream.rawValue) }
        for run in runs {
            var rest = run.byteCount
            while rest > 0x7f {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
        return bytes + ResultFoot(byteCount: byteCount).encoded()
    }

    /// - Throws: ``FileError`` when the file cannot be read, or its runs are not those of its output.
    static func read(of foot: ResultFoot, in file: ResultFile) throws(FileError) -> ResultTrailer {
        let encoded = try file.read(at: foot.byteCount, count: foot.runsByteCount)
        let trailer = foot.isOld ? decodeOld(encoded) : decode(encoded)
        guard let trailer, trailer.runs.allSatisfy({ $0.byteCount <= foot.byteCount }),
            trailer.byteCount == foot.byteCount
        else {
            throw file.error("read", code: EBADMSG)
        }
        return trailer
    }

    private static func decode(_ bytes: [UInt8]) -> ResultTrailer? {
        var trailer = ResultTrailer()
        guard let first = bytes.first else { return trailer }
        guard var stream = OutputFrame.Stream(rawValue: first) else { return nil }
        var (length, shift) = (Int64(0), Int64(0))
        for byte in bytes.dropFirst() {
            // More are no length of a file.
            guard shift < 56 else { return nil }
            length |= Int64(byte & 0x7f) << shift
            shift += 7
            guard byte & 0x80 == 0 else { continue }
            trailer.runs.append(Run(stream: stream, byteCount: length))
            stream = stream == .stdout ? .stderr : .stdout
            (length, shift) = (0, 0)
        }
        return shift == 0 ? trailer : nil
    }

    /// As it was once: each run had its byte of stream, and its length as a big-endian 64-bit number.
    private static func decodeOld(_ bytes: [UInt8]) -> ResultTrailer? {
        guard bytes.count % 9 == 0 else { return nil }
        var trailer = ResultTrailer()
        for start in stride(from: 0, to: bytes.count, by: 9) {
            let length = ResultFoot.number(bytes[(start + 1)..<(start + 9)])
            guard let stream = OutputFrame.Stream(rawValue: bytes[start]), length >= 0 else {
                return nil
            }
            trailer.runs.append(Run(stream: stream, byteCount: length))
        }
        return trailer
    }
}
