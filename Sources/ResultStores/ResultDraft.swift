internal import AgentLink
internal import ControlPlane
internal import Crypto

/// A result while it comes in: frames go in, the file's bytes come out.
struct ResultDraft {
    private var decoder = OutputFrameDecoder()
    private var digest = SHA256()
    private var trailer = ResultTrailer()
    private var waiting: [UInt8] = []
    private let limit: Int64
    private var byteCount: Int64 = 0

    /// - Parameter limit: The most bytes of output that are taken.
    init(limit: Int64) {
        self.limit = limit
    }

    /// Bytes that are to be written and were not taken yet.
    var waitingByteCount: Int { waiting.count }

    /// Whether the input ended where a frame ends.
    var isWhole: Bool { decoder.isBetweenFrames }

    mutating func append(_ bytes: ArraySlice<UInt8>) throws {
        var pieces: [(OutputFrame.Stream, ArraySlice<UInt8>)] = []
        try decoder.decode(bytes) { stream, piece in pieces.append((stream, piece)) }
        for (stream, piece) in pieces {
            byteCount += Int64(piece.count)
            guard byteCount <= limit else { throw ResultTooLong() }
            trailer.extend(stream, by: piece.count)
            guard trailer.runs.count <= OutputFrame.maximumRunCount else { throw ResultTooLong() }
            piece.withUnsafeBytes { digest.update(bufferPointer: $0) }
            waiting.append(contentsOf: piece)
        }
    }

    mutating func takeWaiting() -> [UInt8] {
        defer { waiting.removeAll() }
        return waiting
    }

    /// The file's last bytes, and what the result is.
    mutating func finish() -> (rest: [UInt8], stored: StoredResult) {
        let stored = StoredResult(
            stdoutBytes: trailer.byteCount(of: .stdout),
            stderrBytes: trailer.byteCount(of: .stderr), sha256: Hex.string(digest.finalize()))
        return (takeWaiting() + trailer.encoded(), stored)
    }
}

extension ResultTrailer {
    fileprivate func byteCount(of stream: OutputFrame.Stream) -> Int64 {
        runs.reduce(0) { $1.stream == stream ? $0 + $1.byteCount : $0 }
    }
}
