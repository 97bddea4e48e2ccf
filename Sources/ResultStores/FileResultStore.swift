internal import AgentLink
package import ControlPlane
internal import FoundationEssentials
internal import Glibc
package import NIOPosix

/// Results as files, one for each command, mode 0600, in folders of 4,096.
///
/// A file is the output in its order of arrival, then a ``ResultTrailer``, which tells the streams
/// apart and is the mark of a whole file. A file gets its name when all is written, and then file and name
/// are flushed, before the database says that the command ended. Nobody else flushes the name: a commit that
/// overwrites a part of SQLite's log in place makes ext4 write nothing but that (found by `make chaos`, as
/// results that were gone after the loss of power).
package struct FileResultStore: ResultStore {
    private let root: String
    private let threads: NIOThreadPool
    private let onFullDisk: @Sendable () -> Bool

    /// Takes the folder over from a former process: its drafts are removed.
    ///
    /// - Parameters:
    ///   - root: A folder of this store's own; made if it is not there.
    ///   - threads: Where the blocking calls run.
    ///   - onFullDisk: Called when the disk takes no more; whether the write may be tried again.
    /// - Throws: ``FileError`` when the folder cannot be made.
    package init(
        root: String, threads: NIOThreadPool, onFullDisk: @escaping @Sendable () -> Bool = { false }
    ) throws {
        self.root = root
        self.threads = threads
        self.onFullDisk = onFullDisk
        try Self.makeFolder(root)
        try Self.removeDrafts(root)
    }

    package func put(
        _ id: Command.ID, frames: some AsyncSequence<[UInt8], any Error> & Sendable,
        atMost byteCount: Int64
    ) async throws -> StoredResult {
        // Under a name of its own until it is whole: a late repetition of a report cannot spoil the file
        // of the one that came through.
        let draftPath = "\(folder(of: id))/.\(id).\(UInt64.random(in: .min ... .max))"
        var draft = ResultDraft(limit: byteCount)
        var file: ResultFile?
        do {
            for try await bytes in frames {
                try draft.append(bytes[...])
                guard draft.waitingByteCount >= Self.flushByteCount else { continue }
                let waiting = draft.takeWaiting()
                file = try await threads.runIfActive { [file] in
                    let file = try file ?? create(draftPath, for: id)
                    try file.append(waiting, onFullDisk: onFullDisk)
                    return file
                }
            }
            guard draft.isWhole else { throw OutputFrameDecoder.Malformed() }
            let (rest, stored) = draft.finish()
            try await threads.runIfActive { [file] in
                let file = try file ?? create(draftPath, for: id)
                try file.append(rest, onFullDisk: onFullDisk)
                guard rename(draftPath, path(of: id)) == 0 else {
                    throw FileError("rename", path: draftPath)
                }
                // On ext4 the first flush writes the name too, and the second finds nothing to do.
                try file.flush()
                try Self.flushFolder(folder(of: id))
            }
            return stored
        } catch {
            unlink(draftPath)
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

    private func create(_ draftPath: String, for id: Command.ID) throws(FileError) -> ResultFile {
        do {
            if try Self.makeFolder(folder(of: id)) { try Self.flushFolder(root) }
            return try ResultFile.create(draftPath)
        } catch  where error.code == ENOSPC && onFullDisk() {
            return try create(draftPath, for: id)
        }
    }

    private func folder(of id: Command.ID) -> String { "\(root)/\(id >> 12)" }
    private func path(of id: Command.ID) -> String { "\(folder(of: id))/\(id)" }

    /// What a process that died was about to keep; its agents hand it over again.
    private static func removeDrafts(_ root: String) throws {
        let files = FileManager.default
        for folder in try files.contentsOfDirectory(atPath: root) {
            for name in try files.contentsOfDirectory(atPath: "\(root)/\(folder)")
            where name.hasPrefix(".") {
                unlink("\(root)/\(folder)/\(name)")
            }
        }
    }

    /// Whether the folder was not there before.
    @discardableResult
    private static func makeFolder(_ path: String) throws(FileError) -> Bool {
        if mkdir(path, 0o700) == 0 { return true }
        guard errno == EEXIST else { throw FileError("mkdir", path: path) }
        return false
    }

    private static func flushFolder(_ path: String) throws(FileError) {
        let folder = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw FileError("open", path: path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw FileError("fsync", path: path) }
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
