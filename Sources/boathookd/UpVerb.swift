import Agent
import ArgumentParser
import ControlPlane
import FoundationEssentials
import Logging
import SQLiteStore

/// `boathook up`: server, agent and embedded storage in one process.
struct UpVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Serve the API for the containers of this machine.",
        discussion: """
            Prints one line, 'ready URL', on standard output once it serves; logs go to standard error. \
            On the first start the first user's key is left in DATA_DIR/admin.key.

            A container becomes an instance when it has the label 'boathook.instance'; the label's value \
            is its owner's user name, or empty for the first user.
            """)

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let settings = try options.settings()
        let logger = ProcessRun.logger(settings.logLevel)
        let folder = try DataFolder(settings.dataDir)
        try folder.lock()
        let ready = AsyncStream.makeStream(of: String.self)
        let server = try ServerAssembly(settings, folder: folder, logger: logger) { url in
            ready.continuation.yield(url)
        }
        try await server.ensureAdminKey(in: folder)
        try await server.takeUp()
        let machine = try await server.store.ensureLocalMachine(
            name: ProcessInfo.processInfo.hostName, at: WallTime.system.now())
        let agent = try await AgentAssembly(
            settings, folder: folder.agent,
            link: LocalLink(gateway: server.gateway, machine: machine),
            membership: "\(machine.id) \(machine.joinedAt)",
            logger: logger)
        async let announcement: Void = Self.announce(ready.stream, agent.service)
        try await ProcessRun.run(server.services + [agent.service], logger: logger)
        ready.continuation.finish()
        await announcement
    }

    /// Ready means that callers are answered and see the machine's containers.
    private static func announce(_ urls: AsyncStream<String>, _ agent: AgentService) async {
        for await url in urls {
            await agent.waitForFirstInventory()
            ProcessRun.announce("ready \(url)")
            return
        }
    }
}
