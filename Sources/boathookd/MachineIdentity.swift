import Agent
import AgentLink
import FoundationEssentials

/// Who this machine is to its server, and how it knows that one.
struct MachineIdentity {
    let machineID: Int64
    let machineToken: String
    let serverKey: ServerPublicKey

    /// The identity that is kept, or a new one for the token.
    ///
    /// - Parameters:
    ///   - server: The server's URL.
    ///   - token: A join token; needed once.
    ///   - folder: The agent's.
    /// - Returns: The identity, which the next start finds.
    /// - Throws: ``SettingError`` when what is kept is of no use here; what joining throws.
    static func obtain(server: String, token: String?, folder: DataFolder) async throws
        -> MachineIdentity
    {
        if let text = try SecretFile.read(folder.machine) {
            return try MachineIdentity(kept: text, in: folder.machine, server: server)
        }
        guard let token else {
            throw SettingError(
                "--join", "needed on the first start; see 'boathook admin join-token'")
        }
        guard let joinToken = JoinToken(token), let key = ServerPublicKey(joinToken.serverKey)
        else {
            throw SettingError("--join", "not a token of 'boathook admin join-token'")
        }
        let reply = try await HTTPServerLink.join(
            baseURL: server, token: joinToken, serverKey: key,
            name: ProcessInfo.processInfo.hostName)
        let file = MachineFile(
            server: server, machineID: reply.machineID, machineToken: reply.machineToken,
            serverKey: Base64URL.string(key.bytes))
        let text = String(decoding: try JSONEncoder().encode(file), as: UTF8.self)
        try DataFolder.writeSecret(text, to: folder.machine)
        return MachineIdentity(
            machineID: reply.machineID, machineToken: reply.machineToken, serverKey: key)
    }

    private init(machineID: Int64, machineToken: String, serverKey: ServerPublicKey) {
        self.machineID = machineID
        self.machineToken = machineToken
        self.serverKey = serverKey
    }

    private init(kept text: String, in path: String, server: String) throws {
        let file: MachineFile
        do {
            file = try JSONDecoder().decode(MachineFile.self, from: Data(text.utf8))
        } catch {
            throw SettingError(path, "is not what 'boathook agent --join' has written")
        }
        guard file.server == server else {
            throw SettingError(
                path,
                "this machine belongs to \(file.server); use another --data-dir, or remove the file"
            )
        }
        guard let bytes = file.serverKey.flatMap({ Base64URL.bytes($0.utf8) }),
            let key = ServerPublicKey(bytes)
        else {
            throw SettingError(
                path,
                "has no key of the server, so that nobody knows whose orders to take; remove the file and join again"
            )
        }
        self.init(machineID: file.machineID, machineToken: file.machineToken, serverKey: key)
    }
}

/// `machine.json`.
private struct MachineFile: Codable {
    var server: String
    var machineID: Int64
    var machineToken: String
    var serverKey: String?

    enum CodingKeys: String, CodingKey {
        case server
        case machineID = "machine_id"
        case machineToken = "machine_token"
        case serverKey = "server_key"
    }
}
