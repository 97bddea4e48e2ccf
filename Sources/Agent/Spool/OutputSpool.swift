internal import AgentLink
internal import Crypto
internal import Glibc

/// A command's output on this machine's disk while the tool runs: a file of ``OutputFrame``s, and zeros or
/// nothing behind them.
///
/// Belongs to one thread, the one that runs the tool.
struct OutputSpool: ~Copyable {
    private let descriptor: CInt
    private let live: LiveOutput
    private var digest = SHA256()
    private(set) var stdoutBytes: Int64 = 0
    private(set) var stderrBytes: Int64 = 0
    /// Bytes of the file that are whole frames; a write that failed may have left a part of one behind.
    private(set) var byteCount = 0
    private var lastStream: OutputFrame.Stream?
    private var runCount = 0
    private let runLimit: Int

    /// - Parameters:
    ///   - file: Empty.
    ///   - live: Told of what is written.
    ///   - runLimit: How often the streams may take turns.
    /// - Throws: ``SpoolError`` when the file cannot be opened.
    init(
        _ file: SpoolFile, live: LiveOutput, runLimit: Int = OutputFrame.maximumRunCount
    ) throws(SpoolError) {
        descriptor = open(file.path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw SpoolError("open", errno) }
        self.live = live
        self.runLimit = runLimit
    }

    deinit {
        close(descriptor)
    }

    /// Appends one piece, whole or not at all as far as the counts and the digest go.
    ///
    /// - Parameters:
    ///   - stream: Where the tool wrote it.
    ///   - bytes: At least one.
    /// - Throws: ``SpoolError`` when the disk does not take it, or the streams take turns too often.
    mutating func append(
        _ stream: OutputFrame.Stream, _ bytes: UnsafeRawBufferPointer
    ) throws(SpoolError) {
        let runs = runCount + (stream == lastStream ? 0 : 1)
        guard runs <= runLimit else { throw .tooManyRuns }
        try write(OutputFrame.head(stream: stream, count: bytes.count) + Array(bytes))
        digest.update(bufferPointer: bytes)
        byteCount += OutputFrame.headByteCount + bytes.count
        (lastStream, runCount) = (stream, runs)
        switch stream {
        case .stdout: stdoutBytes += Int64(bytes.count)
        case .stderr: stderrBytes += Int64(bytes.count)
        }
        live.advance(to: byteCount)
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
            let offset = byteCount + bytes.count - rest.count
            let count = rest.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset))
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw SpoolError("write", errno)
            }
            rest = rest.dropFirst(count)
        }
    }
}

/// A command's output was not kept: the machine's disk did not take it, or its streams took turns too often.
struct SpoolError: Error, Sendable, Hashable, CustomStringConvertible {
    let call: String
    /// See errno(3).
    let code: CInt

    init(_ call: String, _ code: CInt) {
        self.call = call
        self.code = code
    }

    static let tooManyRuns = SpoolError("count", E2BIG)

    var description: String {
        self == .tooManyRuns
            ? "its two streams took turns more than \(OutputFrame.maximumRunCount) times"
            : "\(call): \(String(cString: strerror(code)))"
    }
}
