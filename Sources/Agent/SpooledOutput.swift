internal import AgentLink
internal import Crypto
internal import Glibc

/// A finished command's output, as the frames that lie on this machine's disk.
package struct SpooledOutput: Sendable, Hashable {
    let path: String
    /// How many bytes of the file are whole frames.
    let byteCount: Int

    /// The frames in pieces; empty when there is no file, as for a command that never started.
    package func chunks() -> AsyncThrowingStream<[UInt8], any Error> {
        guard byteCount > 0 else { return AsyncThrowingStream { $0.finish() } }
        let reader = SpoolReader(path: path, byteCount: byteCount)
        return AsyncThrowingStream(unfolding: { try await reader.next() })
    }

    /// A spool that a dead agent left: as many whole frames as it has, and what they hold.
    static func recover(path: String) -> (
        output: SpooledOutput, stdout: Int64, stderr: Int64, sha256: String
    ) {
        var counts: [OutputFrame.Stream: Int64] = [:]
        var digest = SHA256()
        var whole = 0
        if let reader = SpoolFile(path: path) {
            while let head = reader.read(OutputFrame.headByteCount),
                let stream = OutputFrame.Stream(rawValue: head[0])
            {
                let count = head[1...].reduce(0) { $0 << 8 | Int($1) }
                guard count <= OutputFrame.maximumByteCount, let bytes = reader.read(count) else {
                    break
                }
                counts[stream, default: 0] += Int64(count)
                bytes.withUnsafeBytes { digest.update(bufferPointer: $0) }
                whole += head.count + count
            }
        }
        return (
            SpooledOutput(path: path, byteCount: whole), counts[.stdout] ?? 0,
            counts[.stderr] ?? 0, Hex.string(digest.finalize())
        )
    }

    /// The same place, with nothing of it to hand over.
    var emptied: SpooledOutput { SpooledOutput(path: path, byteCount: 0) }

    func remove() {
        unlink(path)
    }
}

/// Reads a spool piece by piece. Reads of a local file that was just written come from memory and do
/// not block an executor for long.
private actor SpoolReader {
    private let path: String
    private var remaining: Int
    private var file: SpoolFile?

    init(path: String, byteCount: Int) {
        self.path = path
        remaining = byteCount
    }

    func next() throws -> [UInt8]? {
        guard remaining > 0 else { return nil }
        if file == nil { file = SpoolFile(path: path) }
        guard let bytes = file?.read(min(remaining, 1 << 18)) else {
            throw SpoolError("read", EIO)
        }
        remaining -= bytes.count
        return bytes
    }
}

/// An open spool.
private final class SpoolFile {
    private let descriptor: CInt

    init?(path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor < 0 { return nil }
    }

    deinit {
        close(descriptor)
    }

    /// Exactly `count` bytes, or nil where the file has not as many.
    func read(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let result = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress?.advanced(by: filled), count - filled)
            }
            if result < 0 && errno == EINTR { continue }
            guard result > 0 else { return nil }
            filled += result
        }
        return bytes
    }
}
