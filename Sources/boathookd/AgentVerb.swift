import Agent
import ArgumentParser

/// `boathook agent`: this machine, for a server elsewhere.
struct AgentVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Let a server reach into the containers of this machine.",
        discussion: """
            The first start needs --join TOKEN (from 'boathook admin join-token' on the server); the \
            machine's identity and the server's key are then kept in DATA_DIR/machine.json. Prints \
            'ready agent' once the server knows this machine's containers.
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
            link: HTTPServerLink(
                baseURL: url, machineID: identity.machineID, token: identity.machineToken,
                serverKey: identity.serverKey),
            membership: identity.machineToken,
            logger: logger)
        async let announcement: Void = Self.announce(agent.service)
        try await ProcessRun.run([agent.service], logger: logger)
        await announcement
    }

    private static func announce(_ agent: AgentService) async {
        await agent.waitForFirstInventory()
        ProcessRun.announce("ready agent")
    }
}
