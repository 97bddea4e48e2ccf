internal import AgentLink
internal import ContainerEngine

/// From what is wished to what the engine is asked to make.
///
/// The server's word is not taken for it: what could reach beyond the container is refused here.
struct InstanceCreation: Sendable {
    let identity: InstanceIdentity
    let specification: ContainerSpecification
    let agentID: String
    let image: ImageName

    /// - Throws: ``InstanceFailure``, which is final.
    init(
        identity: InstanceIdentity, specification: ContainerSpecification, agentID: String
    ) throws(InstanceFailure) {
        guard let image = ImageName(specification.image) else {
            throw InstanceFailure(
                "'\(specification.image.prefix(200))' is no name of an image", isFinal: true)
        }
        if let problem = Self.problem(in: specification) {
            throw InstanceFailure(problem, isFinal: true)
        }
        // The machine's SSH server answers there: clients take the first mapping of that port that they find.
        var specification = specification
        if specification.hasSSH {
            specification.ports.removeAll { $0.number == 22 && $0.transport == "tcp" }
        }
        self.identity = identity
        self.specification = specification
        self.agentID = agentID
        self.image = image
    }

    /// Only for the registry that they are of.
    var credentials: RegistryCredentials? {
        guard let login = specification.login,
            login.registry.isEmpty || image.isOn(login.registry)
        else { return nil }
        return RegistryCredentials(
            user: login.user, password: login.password,
            server: login.registry.isEmpty && !image.isOn("docker.io")
                ? image.registry : login.registry)
    }

    /// The volumes' own names in the engine, and the labels by which they are found again.
    var volumes: [ContainerCreation.Volume] {
        specification.volumes.map {
            ContainerCreation.Volume(
                name: identity.volumeName($0.name, agentID: agentID), path: $0.path)
        }
    }

    /// What of the machine it gets.
    struct Share: Sendable, Hashable {
        var network: String
        /// One for each of the specification's ports, in their order; empty where the network maps none.
        var ports: [Int] = []
        var sshPort: Int?
        var gpus: [MachineReport.GPU] = []
        var publicAddress: String
        var sharedMemoryByteCount: Int64
        var limits = ContainerLimits()
        /// Whether the engine is asked to bound what it writes.
        var hasQuota = true
    }

    func creation(name: String, share: Share) -> ContainerCreation {
        var creation = ContainerCreation(
            name: name, image: image, environment: environment(share),
            user: specification.user, hostname: specification.hostname, labels: labels(share),
            ports: zip(specification.ports, share.ports).map { port, hostPort in
                ContainerCreation.Port(
                    port: "\(port.isAlike ? hostPort : port.number)/\(port.transport)",
                    hostPort: hostPort)
            },
            volumes: volumes, gpus: share.gpus.map(\.uuid),
            diskByteCount: share.hasQuota
                ? Int64(min(specification.diskGB, 1e9) * 1e9) : nil,
            network: share.network, sharedMemoryByteCount: share.sharedMemoryByteCount,
            limits: share.limits)
        switch specification.program {
        case .image(let entrypoint, let arguments):
            creation.entrypoint = entrypoint
            creation.arguments = arguments
        case .shell(let script):
            creation.entrypoint = ShellProgram.entrypoint(script: script)
            creation.arguments = []
        }
        return creation
    }

    /// All of them, each time: an image may carry labels of the same names.
    private func labels(_ share: Share) -> [String: String] {
        [
            ContainerLabel.owner: specification.owner,
            ContainerLabel.name: specification.label ?? "",
            ContainerLabel.instanceID: "\(identity.instanceID)",
            ContainerLabel.generation: "\(identity.generation)",
            ContainerLabel.gpus: MachineResources.text(share.gpus.map(\.index)),
            ContainerLabel.sshPort: share.sshPort.map(String.init) ?? "",
            ContainerLabel.ports: MachineResources.text(share.ports),
            ContainerLabel.agent: agentID,
        ]
    }

    /// The owner's, then ours: the same names as upstream's (contract 4).
    private func environment(_ share: Share) -> [String] {
        var ours = [
            ("CONTAINER_ID", "\(identity.instanceID)"),
            ("VAST_CONTAINERLABEL", "C.\(identity.instanceID)"),
            ("PUBLIC_IPADDR", share.publicAddress),
            // Where NVIDIA's runtime is the engine's default it goes by this alone, and images name all.
            (
                "NVIDIA_VISIBLE_DEVICES",
                share.gpus.isEmpty ? "void" : share.gpus.map(\.uuid).joined(separator: ",")
            ),
        ]
        let hostPorts = share.network == "host" ? specification.ports.map(\.number) : share.ports
        for (port, hostPort) in zip(specification.ports, hostPorts) {
            ours.append(("VAST_\(port.transport.uppercased())_PORT_\(port.number)", "\(hostPort)"))
        }
        if let port = share.sshPort { ours.append(("VAST_TCP_PORT_22", "\(port)")) }
        let reserved = Set(ours.map(\.0))
        return specification.environment.filter { !reserved.contains($0[0]) }.map {
            "\($0[0])=\($0[1])"
        } + ours.map { "\($0)=\($1)" }
    }

    /// What is wrong with a specification; nil when nothing is.
    private static func problem(in specification: ContainerSpecification) -> String? {
        if let excess = specification.excess { return excess }
        for pair in specification.environment {
            guard pair.count == 2, !pair[0].isEmpty, !pair[0].contains("="), isText(pair[0]),
                isText(pair[1])
            else { return "'\(pair.first?.prefix(100) ?? "")' is no name of a variable" }
        }
        var ports: Set<String> = []
        for port in specification.ports {
            let name = "\(port.number)/\(port.transport)"
            guard (1...65_535).contains(port.number) || port.isAlike,
                ["tcp", "udp"].contains(port.transport)
            else {
                return "'\(name.prefix(100))' is no port"
            }
            guard ports.insert(name).inserted else { return "port \(name) is there twice" }
        }
        var paths: Set<String> = []
        for volume in specification.volumes {
            guard isName(volume.name) else {
                return "'\(volume.name.prefix(100))' is no name of a volume"
            }
            guard isPath(volume.path), paths.insert(volume.path).inserted else {
                return "'\(volume.path.prefix(100))' is no place for a volume"
            }
        }
        if let hostname = specification.hostname, !isHostname(hostname) {
            return "'\(hostname.prefix(100))' is no host name"
        }
        if let user = specification.user, !ContainerSpecification.isUser(user) {
            return "'\(user.prefix(100))' is no user"
        }
        let words =
            switch specification.program {
            case .image(let entrypoint, let arguments): (entrypoint ?? []) + (arguments ?? [])
            case .shell(let script): [script]
            }
        guard words.allSatisfy({ isText($0) && $0.utf8.count < maximumWordByteCount }) else {
            return "a word of its command is too long, or holds a NUL"
        }
        guard specification.diskGB.isFinite, specification.diskGB > 0, specification.gpuCount >= 0
        else { return "there is no such size" }
        return nil
    }

    /// Of one word on a command line (execve(2), `MAX_ARG_STRLEN`), less what stands before it.
    private static let maximumWordByteCount = 120_000

    private static func isText(_ text: String) -> Bool { !text.utf8.contains(0) }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, isWord(first), name.utf8.count <= 64 else {
            return false
        }
        return name.utf8.allSatisfy { isWord($0) || "_.-".utf8.contains($0) }
    }

    /// An absolute one that leads where it says.
    private static func isPath(_ path: String) -> Bool {
        let components = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        return path.hasPrefix("/") && path.utf8.count <= 1024 && isText(path)
            && !components.contains { ["", ".", ".."].contains($0) }
    }

    /// RFC 1123, section 2.1; the kernel takes 64 bytes.
    private static func isHostname(_ name: String) -> Bool {
        (1...63).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: "-")
            && name.utf8.allSatisfy { isWord($0) || ".-".utf8.contains($0) }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
