import FoundationEssentials
import Glibc

/// A file with one secret that only its owner can read.
enum SecretFile {
    /// The text, without the line feed at its end; nil when there is no such file.
    ///
    /// - Throws: ``SettingError`` when it cannot be read, or others than its owner can read it or write in it.
    static func read(_ path: String) throws -> String? {
        let attributes: [FileAttributeKey: Any]
        do {
            // Of a link itself, not of what it leads to. Nobody else can change the folder (``DataFolder``).
            attributes = try FileManager.default.attributesOfItem(atPath: path)
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            return nil
        }
        guard attributes[.type] as? FileAttributeType == .typeRegular,
            attributes[.ownerAccountID] as? UInt == UInt(geteuid()),
            let mode = attributes[.posixPermissions] as? UInt, mode & 0o077 == 0
        else {
            throw SettingError(
                path, "is another user's, or others may read it; it must be this user's, mode 0600")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw SettingError(path, "cannot be read")
        }
        var text = Array(data)
        if text.last == UInt8(ascii: "\n") { text.removeLast() }
        return String(decoding: text, as: UTF8.self)
    }

    /// Keeps a secret for the first time: whole from its first moment on, and durable.
    ///
    /// Of many who do so at once one wins; read what is there afterwards.
    ///
    /// - Throws: ``SettingError`` when it cannot be written.
    static func create(_ text: String, at path: String) throws {
        let draft = "\(path).\(getpid())"
        unlink(draft)
        defer { unlink(draft) }
        try DataFolder.writeSecret(text + "\n", to: draft)
        // Gives it its name only if nothing has that (link(2)).
        guard link(draft, path) == 0 || errno == EEXIST else {
            throw SettingError(path, String(cString: strerror(errno)))
        }
        try DataFolder.syncFolder(of: path)
    }
}
