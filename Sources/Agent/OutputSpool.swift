internal import AgentLink
internal import Crypto
internal import Glibc

/// A command's output on this machine's disk while the tool runs: a file of ``OutputFrame``s.
///
/// Belongs to one thread, the one that runs the tool.
struct OutputSpool: ~Copyable {
    private let descriptor: CInt
    private var digest = SHA256()
    private(set) var stdoutBytes: Int64 = 0
    private(set) var stderrBytes: Int64 = 0
    /// Bytes of the file that are whole frames; a write that failed may have left a part of one behind.
    private(set) var byteCount = 0

    init(path: String) throws(SpoolError) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SpoolError("open", errno) }
    }

    deinit {
        close(descriptor)
    }

    /// Appends one piece, whole or not at all as far as the counts and the digest go.
    mutating func append(
        _ stream: OutputFrame.Stream, _ bytes: UnsafeRawBufferPointer
    ) throws(SpoolError) {
        try write(OutputFrame.head(stream: stream, count: bytes.count) + Array(bytes))
        digest.update(bufferPointer: bytes)
        byteCount += OutputFrame.headByteCount + bytes.count
        switch stream {
        case .stdout: stdoutBytes += Int64(bytes.count)
        case .stderr: stderrBytes += Int64(bytes.count)
        }
    }

    /// Waits until the disk has it.
    func flush() throws(SpoolError) {
        guard fdatasync(descriptor) == 0 else { throw SpoolError("fdatasync", errno) }
    }

    /// SHA-256 of all bytes so far; lower-case hexadecimal.
    func sha256() -> String {
        Hex.string(digest.finalize())
    }

    private func write(_ bytes: [UInt8]) throws(SpoolError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw SpoolError("write", errno)
            }
            rest = rest.dropFirst(count)
        }
    }
}

/// The machine's disk did not take a command's output.
struct SpoolError: Error, Sendable, Hashable, CustomStringConvertible {
    let call: String
    /// See errno(3).
    let code: CInt

    init(_ call: String, _ code: CInt) {
        self.call = call
        self.code = code
    }

    var description: String { "\(call): \(String(cString: strerror(code)))" }
}
