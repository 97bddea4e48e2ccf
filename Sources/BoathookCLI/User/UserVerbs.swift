internal import ArgumentParser
internal import FoundationEssentials
internal import VastAPI

/// `boathook show user`.
struct ShowUserVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Show whose key is used.",
        discussion: "  boathook show user")

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: UserReply = try await options.client().get(APIPath.currentUser)
        if options.json {
            try StandardStreams.print(try JSONText.of(reply))
        } else {
            var sheet = Sheet()
            sheet.add("id", "\(reply.id)")
            sheet.add("username", reply.username)
            try sheet.write()
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
        commandName: "api-key", abstract: "Keep an API key for later runs, readable by you alone.",
        discussion: """
              boathook set api-key KEY

            It lies in $XDG_CONFIG_HOME/boathook/api-key, or below ~/.config. Options and variables count more.
            """)

    @Argument(help: "The key.")
    var key: String

    /// Upstream's client takes these of every verb; this one asks nobody.
    @OptionGroup(visibility: .hidden) var options: ClientOptions

    func run() throws {
        let path = try KeptKey.keep(key, ProcessInfo.processInfo.environment)
        try StandardStreams.print(
            options.json ? try JSONText.of(["path": path]) : "kept in \(path)")
    }
}
