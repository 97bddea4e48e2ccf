import Glibc

/// Bytes on their way to a descriptor that takes as many as it likes.
struct OutgoingBytes {
    private var pieces: [ArraySlice<UInt8>] = []

    var isEmpty: Bool { pieces.isEmpty }

    mutating func append(_ bytes: ArraySlice<UInt8>) {
        if !bytes.isEmpty { pieces.append(bytes) }
    }

    /// Writes what can be written without waiting.
    ///
    /// - Returns: Whether somebody may still take the rest.
    mutating func write(to descriptor: CInt) -> Bool {
        while let first = pieces.first {
            let count = first.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return errno == EAGAIN || errno == EINTR }
            if count == first.count {
                pieces.removeFirst()
            } else {
                pieces[0] = first.dropFirst(count)
            }
        }
        return true
    }
}

/// Takes apart the frames in which the engine sends output and errors (Docker Engine API, "Attach to a container":
/// eight bytes, of which the first is the stream and the last four a length, then so many bytes).
struct FrameReader {
    private var head: [UInt8] = []
    private var stream: UInt8 = 0
    private var rest = 0

    mutating func take(_ bytes: [UInt8], _ body: (UInt8, ArraySlice<UInt8>) -> Void) {
        var bytes = bytes[...]
        while !bytes.isEmpty {
            if rest > 0 {
                let piece = bytes.prefix(rest)
                body(stream, piece)
                rest -= piece.count
                bytes = bytes.dropFirst(piece.count)
                continue
            }
            let piece = bytes.prefix(8 - head.count)
            head += piece
            bytes = bytes.dropFirst(piece.count)
            if head.count == 8 {
                stream = head[0]
                rest = head[4...].reduce(0) { $0 << 8 | Int($1) }
                head = []
            }
        }
    }
}
