import ArgumentParser

/// `boathook server`: the server alone; machines connect to it.
struct ServerVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "Serve the API for machines that run 'boathook agent'.",
        discussion: """
            Prints one line, 'ready URL', on standard output once it serves. A machine joins with a token \
            from 'boathook admin join-token'.
            """)

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let settings = try options.settings()
        let logger = ProcessRun.logger(settings.logLevel)
        let folder = try DataFolder(settings.dataDir)
        try folder.lock()
        let server = try ServerAssembly(settings, folder: folder, logger: logger) { url in
            ProcessRun.announce("ready \(url)")
        }
        try await server.ensureAdminKey(in: folder)
        try await server.takeUp()
        try await ProcessRun.run(server.services, logger: logger)
    }
}
