import Agent
import AgentLink
import ContainerEngine
import ControlPlane
import FoundationEssentials
import Glibc
import Jail
import Logging
import NIOPosix

/// An agent, put together: the engine that was found, the jail, the link it is given.
struct AgentAssembly {
    let service: AgentService

    /// - Parameters:
    ///   - settings: The process's.
    ///   - folder: The agent's own.
    ///   - link: To its server.
    ///   - membership: Says which machine of which server this is; another one after it has joined anew.
    ///   - logger: The process's.
    /// - Throws: ``SettingError``, and what an engine that is not there throws.
    init(
        _ settings: Settings, folder: String, link: any ServerLink, membership: String,
        logger: Logger
    ) async throws {
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
            adoption: settings.adoption,
            agentID: try Self.agentID(in: folder, of: membership, logger),
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
    /// was lost, or that belongs to another server by now, takes what it made before for what somebody else made:
    /// that server's instance of the same number is another one's.
    private static func agentID(in folder: String, of membership: String, _ logger: Logger) throws
        -> String
    {
        let path = folder + "/agent-id"
        let owner = Hex.string(SecretDigest(of: membership).bytes.prefix(16))
        if let text = try SecretFile.read(path) {
            let words = text.split(separator: " ")
            guard words.count == 2, words[0].utf8.count == 16,
                words[0].utf8.allSatisfy("0123456789abcdef".utf8.contains)
            else { throw SettingError(path, "is no agent's id") }
            if words[1] == owner { return String(words[0]) }
            logger.warning(
                "this machine has joined anew: what it made before is adopted, and what it owes the former server is gone"
            )
            try forgetCommands(in: folder)
            unlink(path)
        }
        let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        let id = String(repeating: "0", count: 16 - digits.count) + digits
        try SecretFile.create("\(id) \(owner)", at: path)
        return id
    }

    /// Forgets what is known of another server's commands.
    ///
    /// They have numbers that this one gives out, too: whatever is known of one would be taken for the other. Their ends can be
    /// told to nobody.
    private static func forgetCommands(in folder: String) throws {
        for name in ["journal", "journal.new", "spool"] {
            let path = "\(folder)/\(name)"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            try FileManager.default.removeItem(atPath: path)
        }
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
