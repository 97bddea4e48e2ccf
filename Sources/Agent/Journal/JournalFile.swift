internal import CDisk
internal import Glibc

/// An append-only file of lines, with space of its own on the disk.
///
/// The blocks behind its end belong to it (fallocate(2)), so that a line can be written when the disk is full;
/// and so do those of a second file beside it, in which it is written anew when it has grown.
struct JournalFile: ~Copyable {
    private let path: String
    private var descriptor: CInt
    /// Bytes that are whole lines.
    private(set) var byteCount: Int
    /// Bytes from the beginning on that have blocks.
    private var reservedByteCount = 0

    /// Opens the file, or makes it, without a last line that was cut off; durable by name.
    ///
    /// - Throws: ``SpoolError``. A disk that has no space to reserve is no error.
    init(path: String) throws(SpoolError) {
        let data = try Self.contents(path)
        let whole = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        descriptor = try Self.open(path, byteCount: whole, of: data.count)
        self.path = path
        byteCount = whole
        reserve(atLeast: byteCount)
        prepareSuccessor()
    }

    deinit {
        close(descriptor)
    }

    /// Whether so many bytes more would take space that is not the file's.
    func isFull(for count: Int) -> Bool { byteCount + count > reservedByteCount }

    /// Writes whole lines, or nothing.
    ///
    /// - Parameters:
    ///   - lines: Each with its line feed.
    ///   - durable: Whether to wait for the disk.
    /// - Throws: ``SpoolError``; the file is then as before.
    mutating func append(_ lines: [UInt8], durable: Bool) throws(SpoolError) {
        do throws(SpoolError) {
            try Self.write(lines, to: descriptor)
            guard !durable || fdatasync(descriptor) == 0 else {
                throw SpoolError("fdatasync", errno)
            }
        } catch {
            // Half a line must not stay, or the next would be a part of it and lost with it.
            guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
                preconditionFailure(
                    "the journal cannot be mended; the next start reads what is whole")
            }
            // Blocks behind the end went with it.
            reservedByteCount = 0
            reserve(atLeast: byteCount)
            throw error
        }
        byteCount += lines.count
    }

    /// Replaces all lines, durably; in space that is the journal's own, if that is enough.
    mutating func rewrite(_ lines: [UInt8]) throws(SpoolError) {
        let fresh = Self.successor(of: path)
        let next = Glibc.open(fresh, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard next >= 0 else { throw SpoolError("open", errno) }
        do throws(SpoolError) {
            try Self.write(lines, to: next)
            guard fsync(next) == 0, rename(fresh, path) == 0 else {
                throw SpoolError("rename", errno)
            }
        } catch {
            close(next)
            unlink(fresh)
            prepareSuccessor()
            throw error
        }
        close(descriptor)
        descriptor = next
        byteCount = lines.count
        reservedByteCount = 0
        reserve(atLeast: byteCount)
        try Self.flushFolder(of: path)
        prepareSuccessor()
    }

    /// Takes space behind the end: as much again as there is, and ``pieceByteCount`` at least.
    mutating func reserve(atLeast count: Int) {
        let wanted = max(Self.pieceByteCount, 2 * count)
        if cdisk_reserve(descriptor, Int64(wanted)) == 0 { reservedByteCount = wanted }
    }

    /// An empty file with space, for ``rewrite(_:)``.
    private func prepareSuccessor() {
        let fresh = Self.successor(of: path)
        let file = Glibc.open(fresh, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return }
        // An empty one keeps the blocks that it has.
        if lseek(file, 0, SEEK_END) > 0 { ftruncate(file, 0) }
        _ = cdisk_reserve(file, Int64(max(Self.pieceByteCount, reservedByteCount)))
        close(file)
    }

    private static func open(
        _ path: String, byteCount: Int, of present: Int
    ) throws(SpoolError) -> CInt {
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW
        let descriptor = Glibc.open(path, flags, 0o600)
        guard descriptor >= 0 else { throw SpoolError("open", errno) }
        guard byteCount == present || ftruncate(descriptor, off_t(byteCount)) == 0,
            fsync(descriptor) == 0
        else { throw SpoolError("ftruncate", errno) }
        try flushFolder(of: path)
        return descriptor
    }

    /// All bytes of the file; none when there is no such file.
    static func contents(_ path: String) throws(SpoolError) -> [UInt8] {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            guard errno == ENOENT else { throw SpoolError("open", errno) }
            return []
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SpoolError("read", errno) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    private static func flushFolder(of path: String) throws(SpoolError) {
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        let directory = Glibc.open("/" + folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw SpoolError("open", errno) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw SpoolError("fsync", errno) }
    }

    private static func write(_ bytes: [UInt8], to descriptor: CInt) throws(SpoolError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw SpoolError("write", errno)
            }
            rest = rest.dropFirst(count)
        }
    }

    private static func successor(of path: String) -> String { path + ".new" }

    /// Space that is taken at a time, in bytes.
    static let pieceByteCount = 1 << 18
}
