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
        let cgroups = JailCgroups(name: try Self.identity(of: folder))
        logger.info(
            "limits",
            metadata: [
                "control groups":
                    "\(cgroups.controllers.isEmpty ? "none: rlimits alone" : cgroups.controllers.joined(separator: ", "))"
            ])
        service = try AgentService(
            link: link, engine: engine,
            jail: try Jail(libraryPath: Self.libraryPath(), cgroups: cgroups),
            policy: MachinePolicy(try settings.machinePolicy.policy()), dataFolder: folder,
            adoption: settings.adoption, agentID: try Self.agentID(in: folder),
            instances: settings.instances,
            ssh: SSHSettings(
                addresses: settings.sshAddresses, executable: try Self.executable(),
                engineSocket: socketPath),
            concurrency: settings.concurrency,
            outputLimit: settings.keeping.outputLimit,
            logger: logger)
    }

    /// A name for what belongs to the agent of this folder alone: the same after a restart, unlike any other's.
    private static func identity(of folder: String) throws -> String {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let attributes = try FileManager.default.attributesOfItem(atPath: folder)
        let device = attributes[.systemNumber] as? Int ?? 0
        let inode = attributes[.systemFileNumber] as? Int ?? 0
        return "\(String(device, radix: 16))-\(String(inode, radix: 16))"
    }

    /// By which the agent knows the containers that it made: 64 random bits, kept for as long as its folder.
    ///
    /// Several agents may share an engine, and each one's server counts its instances from 1. An agent whose folder
    /// was lost takes what it made before for what somebody else made.
    private static func agentID(in folder: String) throws -> String {
        let path = folder + "/agent-id"
        if try SecretFile.read(path) == nil {
            let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
            try SecretFile.create(
                String(repeating: "0", count: 16 - digits.count) + digits, at: path)
        }
        guard let id = try SecretFile.read(path), id.utf8.count == 16,
            id.utf8.allSatisfy("0123456789abcdef".utf8.contains)
        else { throw SettingError(path, "is no agent's id") }
        return id
    }

    private static func executable() throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }

    /// The jail library lies beside the executable.
    static func libraryPath() throws -> String {
        try executable().split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
            + "/libboathook-jail.so"
    }
}
