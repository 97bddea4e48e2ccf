import Agent
import ContainerEngine
import ControlPlane
import FoundationEssentials
import Jail
import Logging
import NIOPosix

/// An agent, put together: the engine that was found, the jail, the link it is given.
struct AgentAssembly {
    let service: AgentService

    init(_ settings: Settings, folder: String, link: any ServerLink, logger: Logger) async throws {
        let socketPath = try EngineLocator.socketPath(option: settings.engine)
        let engine = DockerEngine(socketPath: socketPath, threads: .singleton)
        let version = try await engine.version()
        logger.info("engine found", metadata: ["engine": "\(version)", "socket": "\(socketPath)"])
        service = try AgentService(
            link: link, engine: engine, jail: try Jail(libraryPath: Self.libraryPath()),
            dataFolder: folder, adoption: settings.adoption, concurrency: settings.concurrency,
            outputLimit: settings.keeping.outputLimit,
            logger: logger)
    }

    /// The jail library lies beside the executable.
    static func libraryPath() throws -> String {
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return executable.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
            + "/libboathook-jail.so"
    }
}
