import AgentLink
import ControlPlane
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
    var secretsKey: String { path + "/secrets.key" }

    /// The server's key, made if there is none.
    ///
    /// - Throws: ``SettingError`` when it cannot be made or used.
    func serverKey() throws -> ServerKey {
        let path = path + "/server.key"
        if try SecretFile.read(path) == nil {
            try SecretFile.create(Base64URL.string(ServerKey().seed), at: path)
        }
        guard let text = try SecretFile.read(path), let seed = Base64URL.bytes(text.utf8),
            let key = ServerKey(seed: seed)
        else { throw SettingError(path, "is no key of a server") }
        return key
    }

    /// What the database's secrets are sealed with, made if there is none.
    ///
    /// - Throws: ``SettingError`` when it cannot be made or used.
    func secretBox() throws -> SecretBox {
        if try SecretFile.read(secretsKey) == nil {
            try SecretFile.create(Base64URL.string(SecretBox.makeKey()), at: secretsKey)
        }
        guard let text = try SecretFile.read(secretsKey), let key = Base64URL.bytes(text.utf8),
            key.count == SecretBox.keyByteCount
        else { throw SettingError(secretsKey, "is no key that secrets are sealed with") }
        return SecretBox(key: key)
    }

    /// Keeps a secret in a file of mode 0600 from its first moment.
    static func writeSecret(_ text: String, to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw SettingError(path, String(cString: strerror(errno))) }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
            throw SettingError(path, String(cString: strerror(errno)))
        }
        // A machine that forgets who it is cannot come back.
        try syncFolder(of: path)
    }

    /// Makes the name of a file durable.
    static func syncFolder(of path: String) throws {
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
