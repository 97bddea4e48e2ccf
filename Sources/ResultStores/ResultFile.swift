internal import Glibc

/// An open file of results; closed when the last holder lets go.
final class ResultFile: Sendable {
    private let descriptor: CInt
    private let path: String

    private init(descriptor: CInt, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        Glibc.close(descriptor)
    }

    static func create(_ path: String) throws(FileError) -> ResultFile {
        let descriptor = Glibc.open(
            path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError("open", path: path) }
        return ResultFile(descriptor: descriptor, path: path)
    }

    /// Nil when there is no such file.
    static func open(_ path: String) throws(FileError) -> ResultFile? {
        // A pipe would wait for its other end.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        if descriptor < 0 {
            guard errno == ENOENT else { throw FileError("open", path: path) }
            return nil
        }
        let file = ResultFile(descriptor: descriptor, path: path)
        guard try file.status().st_mode & S_IFMT == S_IFREG else {
            throw FileError("open", path: path, code: EINVAL)
        }
        return file
    }

    /// - Parameters:
    ///   - bytes: What is written behind what is there.
    ///   - onFullDisk: Called when the disk takes no more; whether the write may be tried again.
    /// - Throws: ``FileError``; a part of the bytes may have been written.
    func append(_ bytes: [UInt8], onFullDisk: () -> Bool) throws(FileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                let code = errno
                if code == EINTR || code == ENOSPC && onFullDisk() { continue }
                throw FileError("write", path: path, code: code)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// An error about this file.
    func error(_ call: String, code: CInt) -> FileError {
        FileError(call, path: path, code: code)
    }

    func flush() throws(FileError) {
        guard fsync(descriptor) == 0 else { throw FileError("fsync", path: path) }
    }

    func byteCount() throws(FileError) -> Int64 { Int64(try status().st_size) }

    private func status() throws(FileError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError("fstat", path: path) }
        return status
    }

    /// At most `count` bytes from `offset`; fewer only where the file ends.
    func read(at offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let start = offset + Int64(bytes.count)
            let piece = try readOnce(at: start, count: count - bytes.count)
            guard !piece.isEmpty else { break }
            bytes.append(contentsOf: piece)
        }
        return bytes
    }

    private func readOnce(at offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        var failure: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            var read: Int
            repeat {
                read = pread(descriptor, buffer.baseAddress, count, off_t(offset))
            } while read < 0 && errno == EINTR
            if read < 0 { failure = errno }
            initialized = max(0, read)
        }
        guard failure == 0 else { throw FileError("pread", path: path, code: failure) }
        return bytes
    }
}
