import Agent
import ArgumentParser
import CommandPolicy
import ContainerEngine
import Glibc
import Jail
import NIOPosix
import PolicyDocuments

/// What the jail alone costs, without server and link; for `make bench`.
struct JailBenchVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jail-bench",
        abstract: "Print how many milliseconds each of a number of jailed runs takes.",
        shouldDisplay: false)

    @Option(help: "How many runs.")
    var count = 100

    @Option(help: "unix:///PATH of the engine.")
    var engine: String?

    @Option(help: "A running container.")
    var container: String

    @Argument(parsing: .captureForPassthrough, help: "The command's words.")
    var argv: [String]

    func run() async throws {
        let socketPath = try EngineLocator.socketPath(option: engine)
        let engine = DockerEngine(socketPath: socketPath, threads: .singleton)
        let bench = try JailBench(
            argv: argv.first == "--" ? Array(argv.dropFirst()) : argv,
            policy: .inspect,
            jail: Jail(
                libraryPath: AgentAssembly.libraryPath(),
                cgroups: JailCgroups(name: "bench-\(getpid())")))
        guard let container = try await engine.inspect(container, patience: .seconds(10)) else {
            throw ValidationError("there is no such container")
        }
        for milliseconds in try await bench.run(on: container, count: count) {
            print(milliseconds)
        }
    }
}
