internal import AgentLink
internal import Crypto
internal import Glibc

/// A finished command's output, as the frames that lie on this machine's disk.
package struct SpooledOutput: Sendable {
    /// Nil for a command that never started.
    let file: SpoolFile?
    /// How many bytes of the file are whole frames.
    let byteCount: Int

    static let none = SpooledOutput(file: nil, byteCount: 0)

    /// The frames in pieces; behind these bytes, if there are any.
    package func chunks(after head: [UInt8] = []) -> AsyncThrowingStream<[UInt8], any Error> {
        let cursor = Cursor(file: file, byteCount: byteCount, head: head)
        return AsyncThrowingStream(unfolding: { try await cursor.next() })
    }

    /// A spool that a dead agent left: as many whole frames as it has, and what they hold.
    static func recover(_ file: SpoolFile) -> (
        output: SpooledOutput, stdout: Int64, stderr: Int64, sha256: String
    ) {
        var counts: [OutputFrame.Stream: Int64] = [:]
        var digest = SHA256()
        var whole = 0
        if let reader = SpoolReader(file) {
            while let (stream, count) = reader.head(at: whole),
                let bytes = reader.read(count, at: whole + OutputFrame.headByteCount)
            {
                counts[stream, default: 0] += Int64(count)
                bytes.withUnsafeBytes { digest.update(bufferPointer: $0) }
                whole += OutputFrame.headByteCount + count
            }
        }
        return (
            SpooledOutput(file: file, byteCount: whole), counts[.stdout] ?? 0,
            counts[.stderr] ?? 0, Hex.string(digest.finalize())
        )
    }

    /// The same place, with nothing of it to hand over.
    var emptied: SpooledOutput { SpooledOutput(file: file, byteCount: 0) }

    /// Where the reading of one hand-over stands.
    private actor Cursor {
        private let file: SpoolFile?
        private let byteCount: Int
        private var head: [UInt8]
        private var offset = 0
        private var reader: SpoolReader?

        init(file: SpoolFile?, byteCount: Int, head: [UInt8]) {
            self.file = file
            self.byteCount = byteCount
            self.head = head
        }

        func next() throws -> [UInt8]? {
            if !head.isEmpty {
                defer { head = [] }
                return head
            }
            guard let file, offset < byteCount else { return nil }
            if reader == nil { reader = SpoolReader(file) }
            guard let bytes = reader?.read(min(byteCount - offset, 1 << 18), at: offset) else {
                throw SpoolError("read", EIO)
            }
            offset += bytes.count
            return bytes
        }
    }
}
