import AgentLink
import CommandPolicy
import Foundation
import Testing

/// The link's messages as bytes.
///
/// A golden file is what an agent of an older build sends or reads: it changes only together with
/// `LinkProtocol.version`.
@Suite struct MessageTests {
    static let serverMessages: [(name: String, message: ServerMessage)] = [
        ("welcome", .welcome(Welcome(protocolVersion: 5, machineID: 7, silenceSeconds: 30))),
        (
            "run_command",
            .runCommand(
                RunCommand(
                    commandID: 42, containerID: String(repeating: "a1", count: 32),
                    command: #"rm -r 'home/näme\#n'"#, argv: ["rm", "-r", "home/näme\n"],
                    policy: "vast", writes: true,
                    paths: ["/home"], protected: ["/home/keep"], attachesVolumes: false,
                    limits: CommandLimits(cpuSeconds: 30, entries: 1000),
                    timeoutMilliseconds: 60_000, startWithinMilliseconds: 59_000,
                    outputLimit: 67_108_864, accountID: 7,
                    removal: RemovalOrder(expectedDigest: "e3b0", entryLimit: 10, byteLimit: 4096)))
        ),
        ("cancel_command", .cancelCommand(CancelCommand(commandID: 42))),
        (
            "send_output",
            .sendOutput(SendOutput(relayID: "r1", commandID: 42, offset: 1_048_576))
        ),
        (
            "want_instance",
            .wantInstance(
                InstanceOrder(
                    instanceID: 9, sequence: 5, number: 3, containerID: nil, state: .running,
                    generation: 2,
                    specification: ContainerSpecification(
                        image: "registry.example/box:1",
                        login: RegistryLogin(user: "u", password: "p", registry: ""),
                        program: .shell(script: "echo hi"), environment: [["A", "1"]],
                        hostname: "box",
                        ports: [.init(number: 80, transport: "tcp", hostPort: nil)],
                        volumes: [.init(name: "data", path: "/data")], hasSSH: true, gpuCount: 1,
                        diskGB: 10, owner: "maria", label: "my box"),
                    authorizedKeys: ["ssh-ed25519 AAAA maria"]))
        ),
        (
            "want_instance_gone",
            .wantInstance(
                InstanceOrder(
                    instanceID: 9, sequence: 5, number: 4, containerID: "c1", state: .gone,
                    generation: 2,
                    specification: nil))
        ),
        (
            "restart_instance",
            .restartInstance(RestartInstance(instanceID: 9, containerID: "c1"))
        ),
        ("heartbeat", .heartbeat),
    ]

    static let report = InstanceReport(
        containerID: "c1", name: "web", image: "debian", status: "running", owner: "maria",
        label: "my box", createdAt: 1_700_000_000, startedAt: 1_700_000_001.5,
        environment: [["A", "1"], ["B", ""]], statusMessage: nil, instanceID: 9, generation: 2,
        ports: [PortMapping(port: "22/tcp", hostAddress: "0.0.0.0", hostPort: 40_022)],
        writtenBytes: 4096)

    static let agentMessages: [(name: String, message: AgentMessage)] = [
        ("inventory", .inventory([report])),
        ("instance_changed", .instanceChanged(report)),
        ("instance_removed", .instanceRemoved(containerID: "c1")),
        (
            "machine",
            .machine(
                MachineReport(
                    hostname: "gpu1", bootID: "b1", engine: "Docker 28.2.2", architecture: "amd64",
                    cpuName: "EPYC", cpuCores: 64, cpuGHz: 3.5, memoryMB: 257_000, diskGB: 2000,
                    diskFreeGB: 1500.5,
                    gpus: [
                        .init(
                            index: 0, uuid: "GPU-1", name: "NVIDIA GeForce RTX 4090",
                            memoryMiB: 24_564, powerLimit: 450)
                    ], driverVersion: "535.86.05", cudaVersion: "12.2", slots: 16,
                    publicAddress: "192.0.2.7", price: 0.25, location: "Oslo, NO"))
        ),
        (
            "instance_progress",
            .instanceProgress(
                InstanceProgress(
                    instanceID: 9, number: 3, phase: .loading, message: "pulling: 12 of 48 MB"))
        ),
        ("command_started", .commandStarted(CommandStarted(commandID: 42, startedAt: 1.25))),
        ("engine", .engine(isAvailable: false)),
    ]

    @Test(arguments: serverMessages)
    func `a server's message is the golden one and reads back`(
        name: String, message: ServerMessage
    ) throws {
        let golden = try Golden.bytes(name)
        #expect(try Golden.encode(message) == golden)
        #expect(try JSONDecoder().decode(ServerMessage.self, from: Data(golden.utf8)) == message)
    }

    @Test(arguments: agentMessages)
    func `an agent's message is the golden one and reads back`(
        name: String, message: AgentMessage
    ) throws {
        let golden = try Golden.bytes(name)
        #expect(try Golden.encode(message) == golden)
        #expect(try JSONDecoder().decode(AgentMessage.self, from: Data(golden.utf8)) == message)
    }

    @Test func `a command's end is the golden one and reads back`() throws {
        let report = CommandFinished(
            commandID: 42, outcome: .timedOut, signal: 9, note: "killed after 60 s",
            stdoutBytes: 3, stderrBytes: 1, sha256: CommandFinished.emptyDigest, complete: false,
            startedAt: 1.5, runtime: 60.25,
            removal: Removal(entries: 2, bytes: 8192, paths: ["home/a", "home"]))
        let golden = try Golden.bytes("command_finished")
        #expect(try Golden.encode(report) == golden)
        #expect(try JSONDecoder().decode(CommandFinished.self, from: Data(golden.utf8)) == report)
    }

    @Test func `a hello is the golden one and reads back`() throws {
        let nonce = try #require(LinkNonce("AAECAwQFBgcICQoLDA0ODw"))
        let hello = AgentHello(heldCommandIDs: [3, 5], nonce: nonce)
        let golden = try Golden.bytes("hello")
        #expect(try Golden.encode(hello) == golden)
        #expect(try JSONDecoder().decode(AgentHello.self, from: Data(golden.utf8)) == hello)
    }

    @Test func `a type that nobody knows is refused`() {
        let text = Data(#"{"type":"run_anything","command_id":1}"#.utf8)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(ServerMessage.self, from: text)
        }
    }
}

/// Golden files beside the tests, one for each message.
enum Golden {
    static func bytes(_ name: String) throws -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let file = folder.appending(path: "Golden/\(name).json")
        return try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .newlines)
    }

    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
