internal import AgentLink
package import ControlPlane
internal import FoundationEssentials
internal import Glibc
package import NIOPosix
internal import Synchronization

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
    private let flushedFolders = FolderNumbers()

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
            guard let foot = try ResultFoot.read(from: file) else { return nil }
            // A short result, which most are, is read at once: another turn of a thread costs more.
            let isShort = foot.byteCount <= Int64(Self.shortByteCount)
            let whole = isShort ? try file.read(at: 0, count: Int(foot.byteCount)) : nil
            return FileResultReader(file: file, foot: foot, whole: whole, threads: threads)
        }
    }

    package func delete(_ ids: [Command.ID]) async throws(ResultsNotDeleted) {
        let failure: ResultsNotDeleted?
        do {
            failure = try await threads.runIfActive { remove(ids) }
        } catch {
            failure = ResultsNotDeleted(ids: Set(ids), reason: error)
        }
        if let failure { throw failure }
    }

    /// One flush for each folder, also where nothing was found: the process that removed it may have died before its
    /// flush, and the disk would bring it back.
    private func remove(_ ids: [Command.ID]) -> ResultsNotDeleted? {
        var failures: [(ids: [Command.ID], error: FileError)] = []
        for (folder, ids) in Dictionary(grouping: ids, by: { folder(of: $0) }) {
            for id in ids where unlink(path(of: id)) != 0 && errno != ENOENT {
                failures.append(([id], FileError("unlink", path: path(of: id))))
            }
            do throws(FileError) {
                try Self.flushFolder(folder)
            } catch  where error.code != ENOENT {
                failures.append((ids, error))
            } catch {}
        }
        return failures.first.map { first in
            ResultsNotDeleted(ids: Set(failures.flatMap(\.ids)), reason: first.error)
        }
    }

    /// A page is a folder.
    package func kept() -> AsyncThrowingStream<[Command.ID], any Error> {
        let folders = Mutex<[Int64]?>(nil)
        return AsyncThrowingStream(unfolding: { [root, threads] in
            try await threads.runIfActive {
                let all = try folders.withLock { $0 } ?? Self.numbers(in: root)
                folders.withLock { $0 = Array(all.dropFirst()) }
                guard let folder = all.first else { return nil }
                // What is no folder of ours holds no result, and ends nothing.
                let numbers = (try? Self.numbers(in: "\(root)/\(folder)")) ?? []
                return numbers.filter { $0 >> 12 == folder }
            }
        })
    }

    /// The names in a folder that are numbers, and so this store's own.
    private static func numbers(in folder: String) throws -> [Int64] {
        try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
            Int64(name).flatMap { "\($0)" == name ? $0 : nil }
        }
    }

    private func create(_ draftPath: String, for id: Command.ID) throws(FileError) -> ResultFile {
        do {
            try Self.makeFolder(folder(of: id))
            // Also one that is there: whoever made it may not have come to its flush yet, or have died before.
            if !flushedFolders.contains(id >> 12) {
                try Self.flushFolder(root)
                flushedFolders.insert(id >> 12)
            }
            return try ResultFile.create(draftPath)
        } catch  where error.code == ENOSPC && onFullDisk() {
            return try create(draftPath, for: id)
        }
    }

    private func folder(of id: Command.ID) -> String { Self.folder(of: id, in: root) }
    private func path(of id: Command.ID) -> String { Self.path(of: id, in: root) }

    /// What a process that died was about to keep; its agents hand it over again.
    ///
    /// What is no folder of this store is passed over: a disk of its own has a `lost+found`.
    private static func removeDrafts(_ root: String) throws {
        let files = FileManager.default
        for folder in try numbers(in: root) {
            var isFolder = false
            guard files.fileExists(atPath: "\(root)/\(folder)", isDirectory: &isFolder), isFolder
            else { continue }
            for name in try files.contentsOfDirectory(atPath: "\(root)/\(folder)")
            where name.hasPrefix(".") {
                unlink("\(root)/\(folder)/\(name)")
            }
        }
    }

    /// Makes the folder if it is not there.
    static func makeFolder(_ path: String) throws(FileError) {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        throw FileError("mkdir", path: path)
    }

    static func flushFolder(_ path: String) throws(FileError) {
        let folder = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw FileError("open", path: path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw FileError("fsync", path: path) }
    }

    private static let shortByteCount = 1 << 16
    /// Bytes that wait in memory for one write, for each result that comes in.
    private static let flushByteCount = 1 << 18
}

/// Folders of results whose names are on the disk.
private final class FolderNumbers: Sendable {
    private let numbers = Mutex<Set<Int64>>([])

    func contains(_ number: Int64) -> Bool { numbers.withLock { $0.contains(number) } }
    func insert(_ number: Int64) { numbers.withLock { _ = $0.insert(number) } }
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
