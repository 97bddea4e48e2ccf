internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc

/// Which server, whose key, what kind of output.
struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server (default: BOATHOOK_URL, VAST_URL, http://127.0.0.1:8787).", valueName: "url"
        ))
    var url: String?

    @Option(
        help: ArgumentHelp(
            "The API key (default: BOATHOOK_API_KEY, VAST_API_KEY, the kept one).", valueName: "key"
        ))
    var apiKey: String?

    @Flag(name: [.long, .customLong("raw")], help: "Print JSON, for programs (--raw is the same).")
    var json = false

    func client() throws -> APIClient {
        let environment = ProcessInfo.processInfo.environment
        let url = url ?? environment["BOATHOOK_URL"] ?? environment["VAST_URL"] ?? Self.defaultURL
        guard let key = givenKey ?? KeptKey.read(environment) else {
            throw ClientError(
                "no API key: use --api-key, BOATHOOK_API_KEY, or 'boathook set api-key KEY'")
        }
        return APIClient(baseURL: url, key: key)
    }

    /// The key that whoever called this program told it.
    var givenKey: String? {
        let environment = ProcessInfo.processInfo.environment
        return apiKey ?? environment["BOATHOOK_API_KEY"] ?? environment["VAST_API_KEY"]
    }

    static let defaultURL = "http://127.0.0.1:8787"
}

/// The key that `boathook set api-key` keeps, or the server's own on its machine.
enum KeptKey {
    static func path(_ environment: [String: String]) -> String {
        let folder =
            environment["XDG_CONFIG_HOME"] ?? (environment["HOME"] ?? "/root") + "/.config"
        return folder + "/boathook/api-key"
    }

    /// Keeps a key for later runs, readable by its owner alone.
    ///
    /// - Returns: Where.
    /// - Throws: ``ClientError``.
    static func keep(_ key: String, _ environment: [String: String]) throws -> String {
        let path = path(environment)
        let folder = path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true,
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

    static func read(_ environment: [String: String]) -> String? {
        let dataDir = environment["BOATHOOK_DATA_DIR"] ?? "/var/lib/boathook"
        for path in [path(environment), dataDir + "/admin.key"] {
            guard let data = FileManager.default.contents(atPath: path),
                let text = String(validating: data, as: UTF8.self)
            else { continue }
            let key = text.filter { !$0.isWhitespace }
            if !key.isEmpty { return key }
        }
        return nil
    }
}
