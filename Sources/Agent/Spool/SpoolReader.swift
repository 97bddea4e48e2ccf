internal import AgentLink
internal import Glibc

/// Reads a spool's frames.
///
/// Reads of a local file that was just written come from memory and do not block an executor for long.
final class SpoolReader {
    private let descriptor: CInt
    /// Held, so that the file is not given to another command meanwhile.
    private let file: SpoolFile

    /// Nil when there is no such file.
    init?(_ file: SpoolFile) {
        descriptor = open(file.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor < 0 { return nil }
        self.file = file
    }

    deinit {
        close(descriptor)
    }

    /// Exactly `count` bytes from `offset`, or nil where the file has not as many.
    func read(_ count: Int, at offset: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let result = bytes.withUnsafeMutableBytes {
                pread(
                    descriptor, $0.baseAddress?.advanced(by: filled), count - filled,
                    off_t(offset + filled))
            }
            if result < 0 && errno == EINTR { continue }
            guard result > 0 else { return nil }
            filled += result
        }
        return bytes
    }

    /// The head of the frame at `offset`, or nil when no frame is there.
    func head(at offset: Int) -> (stream: OutputFrame.Stream, count: Int)? {
        guard let head = read(OutputFrame.headByteCount, at: offset),
            let stream = OutputFrame.Stream(rawValue: head[0])
        else { return nil }
        let count = head[1...].reduce(0) { $0 << 8 | Int($1) }
        return count <= OutputFrame.maximumByteCount ? (stream, count) : nil
    }
}
