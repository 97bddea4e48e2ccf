internal import FoundationEssentials
internal import Glibc

/// The key that `boathook set api-key` keeps, or the server's own on its machine.
enum KeptKey {
    static func path(_ environment: [String: String]) -> String {
        folder(environment) + "/api-key"
    }

    /// A relative path in that variable says nothing (XDG Base Directory Specification).
    private static func folder(_ environment: [String: String]) -> String {
        let named = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return (named ?? (environment["HOME"] ?? "/root") + "/.config") + "/boathook"
    }

    /// Keeps a key for later runs, readable by its owner alone.
    ///
    /// - Returns: Where.
    /// - Throws: ``ClientError``.
    static func keep(_ key: String, _ environment: [String: String]) throws -> String {
        let path = path(environment)
        try FileManager.default.createDirectory(
            atPath: folder(environment), withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let bytes = Array((key + "\n").utf8)
        guard file >= 0, fchmod(file, 0o600) == 0, write(file, bytes, bytes.count) == bytes.count,
            close(file) == 0
        else {
            throw ClientError("\(path): \(String(cString: strerror(errno)))", exitCode: 1)
        }
        return path
    }

    /// The key for a server, when nobody has told one.
    ///
    /// The first user's key may do everything: it is sent to no other machine than the one that it lies on.
    static func found(for url: String, _ environment: [String: String]) -> String? {
        if let key = key(in: path(environment)) { return key }
        guard OwnMachine.isReached(by: url) else { return nil }
        return key(in: (environment["BOATHOOK_DATA_DIR"] ?? "/var/lib/boathook") + "/admin.key")
    }

    private static func key(in path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path),
            let text = String(validating: data, as: UTF8.self)
        else { return nil }
        let key = text.filter { !$0.isWhitespace }
        return key.isEmpty ? nil : key
    }
}
