internal import AgentLink
package import ControlPlane
internal import Glibc
package import NIOPosix

/// Results as files, one for each command, mode 0600, in folders of 4,096.
///
/// A file is the output in its order of arrival, then a ``ResultTrailer``, which tells the streams
/// apart and is the mark of a whole file. Files are written under their final name: nobody looks at one
/// before the command's row says that it ended, which is after the flush; and the flush of a new file
/// takes its folder's entry with it on the file systems that Linux servers use (ext4, XFS, Btrfs).
package struct FileResultStore: ResultStore {
    private let root: String
    private let threads: NIOThreadPool

    /// - Parameters:
    ///   - root: A folder of this store's own; made if it is not there.
    ///   - threads: Where the blocking calls run.
    /// - Throws: ``FileError`` when the folder cannot be made.
    package init(root: String, threads: NIOThreadPool) throws(FileError) {
        self.root = root
        self.threads = threads
        try Self.makeFolder(root)
    }

    package func put(
        _ id: Command.ID, frames: some AsyncSequence<[UInt8], any Error> & Sendable
    ) async throws -> StoredResult {
        var draft = ResultDraft()
        var file: ResultFile?
        do {
            for try await bytes in frames {
                try draft.append(bytes[...])
                guard draft.waitingByteCount >= Self.flushByteCount else { continue }
                let waiting = draft.takeWaiting()
                file = try await threads.runIfActive { [file] in
                    let file = try file ?? create(id)
                    try file.append(waiting)
                    return file
                }
            }
            guard draft.isWhole else { throw OutputFrameDecoder.Malformed() }
            let (rest, stored) = draft.finish()
            try await threads.runIfActive { [file] in
                let file = try file ?? create(id)
                try file.append(rest)
                try file.flush()
            }
            return stored
        } catch {
            if file != nil { try? await delete(id) }
            throw error
        }
    }

    package func open(_ id: Command.ID) async throws -> (any ResultReader)? {
        try await threads.runIfActive {
            guard let file = try ResultFile.open(path(of: id)) else { return nil }
            guard let trailer = try ResultTrailer.read(from: file) else { return nil }
            // A short result, which most are, is read at once: another turn of a thread costs more.
            let isShort = trailer.byteCount <= Int64(Self.shortByteCount)
            let whole = isShort ? try file.read(at: 0, count: Int(trailer.byteCount)) : nil
            return FileResultReader(file: file, trailer: trailer, whole: whole, threads: threads)
        }
    }

    package func delete(_ id: Command.ID) async throws {
        try await threads.runIfActive {
            guard unlink(path(of: id)) != 0, errno != ENOENT else { return }
            throw FileError("unlink", path: path(of: id))
        }
    }

    /// Replaces what an interrupted try left; a reader of the old file keeps its bytes.
    private func create(_ id: Command.ID) throws -> ResultFile {
        try Self.makeFolder(folder(of: id))
        _ = unlink(path(of: id))
        return try ResultFile.create(path(of: id))
    }

    private func folder(of id: Command.ID) -> String { "\(root)/\(id >> 12)" }
    private func path(of id: Command.ID) -> String { "\(folder(of: id))/\(id)" }

    private static func makeFolder(_ path: String) throws(FileError) {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        throw FileError("mkdir", path: path)
    }

    private static let shortByteCount = 1 << 16
    /// Bytes that wait in memory for one write, for each result that comes in.
    private static let flushByteCount = 1 << 18
}

/// A call on a file that failed.
package struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
    package let call: String
    /// For the operator; never for callers.
    package let path: String
    /// See errno(3).
    package let code: CInt

    init(_ call: String, path: String, code: CInt = errno) {
        self.call = call
        self.path = path
        self.code = code
    }

    package var description: String { "\(call) \(path): \(String(cString: strerror(code)))" }
}
