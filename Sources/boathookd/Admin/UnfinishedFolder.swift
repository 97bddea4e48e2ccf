import FoundationEssentials
import Glibc

/// A folder that gets its name once all of it is there and on the disk.
///
/// Until then it is `NAME.partial`, which nobody takes for a server's state, or for a backup. What a process that was
/// killed left there, the next one removes.
struct UnfinishedFolder {
    let folder: DataFolder
    private let path: String

    /// Makes the folder.
    ///
    /// - Parameters:
    ///   - path: What its name is to be.
    ///   - fill: Puts everything into it.
    /// - Throws: ``SettingError`` when there is something of that name, or another process is about to make it; what
    ///   `fill` throws. Then there is nothing.
    static func make(_ path: String, _ fill: (DataFolder) async throws -> Void) async throws {
        let made = try UnfinishedFolder(path)
        do {
            try await fill(made.folder)
            try made.finish()
        } catch {
            try? FileManager.default.removeItem(atPath: made.folder.path)
            throw error
        }
    }

    private init(_ path: String) throws {
        let files = FileManager.default
        let absolute = path.hasPrefix("/") ? path : files.currentDirectoryPath + "/" + path
        self.path = "/" + absolute.split(separator: "/").joined(separator: "/")
        guard !files.fileExists(atPath: self.path) else {
            throw SettingError(path, "is there already")
        }
        let partial = self.path + ".partial"
        let left = (try? files.contentsOfDirectory(atPath: partial)) ?? []
        // Every one of ours has the lock, from its first moment on.
        guard left.isEmpty || left.contains("lock") else {
            throw SettingError(partial, "is there already, and not of an interrupted run")
        }
        folder = try DataFolder(partial)
        try folder.lock()
        for name in left where name != "lock" {
            try files.removeItem(atPath: "\(partial)/\(name)")
        }
    }

    private func finish() throws {
        for name in ["/boathook.db", ""] {
            let path = folder.path + name
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw SettingError(path, String(cString: strerror(errno)))
            }
            defer { close(descriptor) }
            guard fsync(descriptor) == 0 else {
                throw SettingError(path, String(cString: strerror(errno)))
            }
        }
        guard rename(folder.path, path) == 0 else {
            throw SettingError(path, String(cString: strerror(errno)))
        }
        try DataFolder.syncFolder(of: path)
    }
}
