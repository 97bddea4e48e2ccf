/// One piece of a command's output as it arrived: which stream, and the bytes.
///
/// On disk and on the link a frame is five bytes of head – stream (1 standard output, 2 standard
/// error), then the byte count as a big-endian 32-bit number – and the bytes. Frames follow each
/// other without a separator, so that the order of arrival of both streams is kept.
package struct OutputFrame: Sendable, Hashable {
    /// Where the tool wrote it.
    package enum Stream: UInt8, Sendable, Hashable {
        case stdout = 1
        case stderr = 2
    }

    package var stream: Stream
    package var bytes: [UInt8]

    package init(stream: Stream, bytes: [UInt8]) {
        self.stream = stream
        self.bytes = bytes
    }

    package static let headByteCount = 5
    /// The most bytes that one frame carries.
    package static let maximumByteCount = 1 << 18

    /// How often the streams of one output may take turns, at most: each time costs whoever keeps it some bytes.
    package static let maximumRunCount = 1 << 18

    /// The head that announces `count` bytes of `stream`.
    package static func head(stream: Stream, count: Int) -> [UInt8] {
        let count = UInt32(count)
        return [
            stream.rawValue, UInt8(truncatingIfNeeded: count >> 24),
            UInt8(truncatingIfNeeded: count >> 16), UInt8(truncatingIfNeeded: count >> 8),
            UInt8(truncatingIfNeeded: count),
        ]
    }
}

/// Cuts a stream of bytes into frames, whatever the pieces in which it arrives.
package struct OutputFrameDecoder: Sendable {
    /// The stream is not a series of frames.
    package struct Malformed: Error, Sendable, Hashable {
        package init() {}
    }

    private var head: [UInt8] = []
    private var stream: OutputFrame.Stream = .stdout
    private var remaining = 0

    package init() {}

    /// Whether the bytes so far end at the end of a frame.
    package var isBetweenFrames: Bool { remaining == 0 && head.isEmpty }

    /// Takes the next bytes and gives what of each frame lies in them; a frame that is longer than
    /// one call comes in several pieces.
    ///
    /// Linear in the bytes.
    ///
    /// - Throws: ``Malformed`` on an unknown stream or a length over the limit; the decoder is then of
    ///   no further use.
    package mutating func decode(
        _ bytes: ArraySlice<UInt8>, _ body: (OutputFrame.Stream, ArraySlice<UInt8>) throws -> Void
    ) throws {
        var rest = bytes
        while !rest.isEmpty {
            if remaining == 0 {
                let missing = OutputFrame.headByteCount - head.count
                head.append(contentsOf: rest.prefix(missing))
                rest = rest.dropFirst(missing)
                guard head.count == OutputFrame.headByteCount else { return }
                guard let stream = OutputFrame.Stream(rawValue: head[0]) else { throw Malformed() }
                let count = head[1...].reduce(0) { $0 << 8 | Int($1) }
                guard count <= OutputFrame.maximumByteCount else { throw Malformed() }
                self.stream = stream
                remaining = count
                head.removeAll(keepingCapacity: true)
            } else {
                let piece = rest.prefix(remaining)
                try body(stream, piece)
                remaining -= piece.count
                rest = rest.dropFirst(piece.count)
            }
        }
    }
}
