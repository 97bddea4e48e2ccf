internal import FoundationEssentials

/// What a login needs to know to get into an instance: written by the agent, read by `boathookd ssh-session`.
package struct SSHDoorFile: Sendable, Hashable, Codable {
    package var instanceID: Int64
    /// The engine's full id.
    package var containerID: String
    /// The engine's Unix socket.
    package var engineSocket: String
    /// A pipe that the agent keeps open for writing as long as it lives.
    package var agentPipe: String

    enum CodingKeys: String, CodingKey {
        case instanceID = "instance_id"
        case containerID = "container_id"
        case engineSocket = "engine_socket"
        case agentPipe = "agent_pipe"
    }

    package init(instanceID: Int64, containerID: String, engineSocket: String, agentPipe: String) {
        self.instanceID = instanceID
        self.containerID = containerID
        self.engineSocket = engineSocket
        self.agentPipe = agentPipe
    }

    /// - Throws: When there is none, or it cannot be read.
    package init(path: String) throws {
        self = try JSONDecoder().decode(
            SSHDoorFile.self, from: try Data(contentsOf: URL(filePath: path)))
    }
}
