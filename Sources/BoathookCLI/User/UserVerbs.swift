internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import VastAPI

/// `boathook show user`.
struct ShowUserVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Show whose key is used.")

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: UserReply = try await options.client().get(APIPath.currentUser)
        if options.json {
            try StandardStreams.print(try JSONText.of(reply))
        } else {
            var table = Table(head: ["id", "\(reply.id)"])
            table.add(["username", reply.username])
            for line in table.lines { try StandardStreams.print(line) }
        }
    }
}

/// `boathook set …`.
struct SetVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Keep this client's key; set variables of your instances.",
        subcommands: [SetAPIKeyVerb.self, SetVariablesVerb.self])
}

/// `boathook set api-key KEY`.
struct SetAPIKeyVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-key", abstract: "Keep an API key for later runs, readable by you alone.")

    @Argument(help: "The key.")
    var key: String

    func run() throws {
        let path = KeptKey.path(ProcessInfo.processInfo.environment)
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
        try StandardStreams.print("kept in \(path)")
    }
}
