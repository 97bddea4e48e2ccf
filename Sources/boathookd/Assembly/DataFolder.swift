import FoundationEssentials
import Glibc

/// The folder of a server's or an agent's state; for its user alone.
struct DataFolder: Sendable {
    let path: String

    /// Makes the folder if it is not there.
    ///
    /// - Throws: ``SettingError`` when it cannot be made or used.
    init(_ path: String) throws {
        self.path =
            path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        do {
            try FileManager.default.createDirectory(
                atPath: self.path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw SettingError(self.path, "cannot be made: \(error)")
        }
        // Secrets lie in it, and what is believed at the next start.
        var status = stat()
        guard stat(self.path, &status) == 0, status.st_uid == geteuid(),
            status.st_mode & 0o022 == 0
        else {
            throw SettingError(self.path, "is another user's, or others may write in it")
        }
        guard access(self.path, W_OK) == 0 else {
            throw SettingError(self.path, String(cString: strerror(errno)))
        }
    }

    /// Makes this process the folder's only server or agent, for as long as it lives.
    ///
    /// - Throws: ``SettingError`` when another one has it.
    func lock() throws {
        let file = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        // The descriptor stays open on purpose: the lock ends with the process (flock(2)).
        guard file >= 0, flock(file, LOCK_EX | LOCK_NB) == 0 else {
            throw SettingError(path, "in use by another boathook process")
        }
    }

    /// Whether a server has kept its state here.
    var hasDatabase: Bool { FileManager.default.fileExists(atPath: database) }

    var database: String { path + "/boathook.db" }
    var results: String { path + "/results" }
    var reserve: String { path + "/reserve" }
    var agent: String { path + "/agent" }
    var adminKey: String { path + "/admin.key" }
    var machine: String { path + "/machine.json" }

    /// Keeps a secret in a file of mode 0600 from its first moment.
    static func writeSecret(_ text: String, to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw SettingError(path, String(cString: strerror(errno))) }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
            throw SettingError(path, String(cString: strerror(errno)))
        }
        // Its name too: a machine that forgets who it is cannot come back.
        let folder = open(
            path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 },
            O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw SettingError(path, String(cString: strerror(errno))) }
        defer { close(folder) }
        guard fsync(folder) == 0 else {
            throw SettingError(path, String(cString: strerror(errno)))
        }
    }
}
