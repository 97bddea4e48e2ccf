import Agent
import AgentLink
import ArgumentParser
import FoundationEssentials

/// `boathook agent`: this machine, for a server elsewhere.
struct AgentVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Let a server reach into the containers of this machine.",
        discussion: """
            The first start needs --join TOKEN (from 'boathook admin join-token' on the server); the \
            machine's identity is then kept in DATA_DIR/machine.json. Prints 'ready agent' once the \
            server knows this machine's containers.
            """)

    @Option(help: ArgumentHelp("The server's URL.", valueName: "url"))
    var server: String

    @Option(help: ArgumentHelp("A join token; needed once.", valueName: "token"))
    var join: String?

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let settings = try options.settings()
        let logger = ProcessRun.logger(settings.logLevel)
        let folder = try DataFolder(settings.dataDir)
        try folder.lock()
        let url = server.hasSuffix("/") ? String(server.dropLast()) : server
        let identity = try await MachineIdentity.obtain(server: url, token: join, folder: folder)
        let agent = try await AgentAssembly(
            settings, folder: folder.agent,
            link: HTTPServerLink(baseURL: url, token: identity.machineToken), logger: logger)
        async let announcement: Void = Self.announce(agent.service)
        try await ProcessRun.run([agent.service], logger: logger)
        await announcement
    }

    private static func announce(_ agent: AgentService) async {
        await agent.waitForFirstInventory()
        ProcessRun.announce("ready agent")
    }
}

/// Who this machine is to its server.
private struct MachineIdentity: Codable {
    var server: String
    var machineID: Int64
    var machineToken: String

    enum CodingKeys: String, CodingKey {
        case server
        case machineID = "machine_id"
        case machineToken = "machine_token"
    }

    /// The identity that is kept, or a new one for the token.
    static func obtain(server: String, token: String?, folder: DataFolder) async throws
        -> MachineIdentity
    {
        if let data = FileManager.default.contents(atPath: folder.machine) {
            let identity = try JSONDecoder().decode(MachineIdentity.self, from: data)
            guard identity.server == server else {
                throw SettingError(
                    folder.machine,
                    "this machine belongs to \(identity.server); use another --data-dir, or remove the file"
                )
            }
            return identity
        }
        guard let token else {
            throw SettingError(
                "--join", "needed on the first start; see 'boathook admin join-token'")
        }
        let reply = try await HTTPServerLink.join(
            baseURL: server, token: token, name: ProcessInfo.processInfo.hostName)
        let identity = MachineIdentity(
            server: server, machineID: reply.machineID, machineToken: reply.machineToken)
        let text = String(decoding: try JSONEncoder().encode(identity), as: UTF8.self)
        try DataFolder.writeSecret(text, to: folder.machine)
        return identity
    }
}
