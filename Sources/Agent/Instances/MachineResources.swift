internal import AgentLink
internal import ContainerEngine
internal import Glibc

/// The machine's ports that an instance's former containers say that it has.
struct FormerPorts: Sendable, Hashable {
    var ssh: Int?
    /// In the order of what they were wanted for.
    var others: [Int] = []

    init(of containers: [Container]) {
        for container in containers {
            others += MachineResources.numbers(container.labels[ContainerLabel.ports])
            ssh = MachineResources.numbers(container.labels[ContainerLabel.sshPort]).first ?? ssh
        }
    }
}

/// What of this machine the containers have that Boathook made, whoever's agent it was.
struct MachineResources: Sendable {
    /// GPUs of those that run, and of all.
    private(set) var usedGPUs: Set<Int> = []
    private(set) var promisedGPUs: Set<Int> = []
    /// Ports of all: a container keeps its ports while it is stopped.
    private(set) var ports: Set<Int> = []

    /// - Parameters:
    ///   - containers: As the engine lists them.
    ///   - excluded: Those that do not count.
    init(of containers: [Container], except excluded: Set<Container.ID> = []) {
        for container in containers where !excluded.contains(container.id) {
            let gpus = Self.numbers(container.labels[ContainerLabel.gpus])
            promisedGPUs.formUnion(gpus)
            if ["running", "paused", "restarting", "stopping"].contains(container.status) {
                usedGPUs.formUnion(gpus)
            }
            ports.formUnion(Self.numbers(container.labels[ContainerLabel.ports]))
            ports.formUnion(Self.numbers(container.labels[ContainerLabel.sshPort]))
        }
    }

    mutating func promise(gpus: [Int], ports: [Int]) {
        promisedGPUs.formUnion(gpus)
        self.ports.formUnion(ports)
    }

    /// GPUs that nobody uses; those that a container will want at its start come last.
    ///
    /// Who has them is decided when a container is started, as upstream does: a stopped one keeps nobody from them.
    ///
    /// - Parameters:
    ///   - count: How many are needed.
    ///   - gpus: What the machine has.
    /// - Returns: In the machine's order.
    /// - Throws: ``InstanceFailure``, which may pass.
    func gpus(
        _ count: Int, of gpus: [MachineReport.GPU]
    ) throws(InstanceFailure) -> [MachineReport.GPU] {
        let free = gpus.filter { !usedGPUs.contains($0.index) }
        guard free.count >= count else {
            throw InstanceFailure("\(count) GPUs are needed, and \(free.count) are free")
        }
        let unclaimed = free.filter { !promisedGPUs.contains($0.index) }
        let claimed = free.filter { promisedGPUs.contains($0.index) }
        return (unclaimed + claimed).prefix(count).sorted { $0.index < $1.index }
    }

    /// A port of the machine's for each that is wanted.
    ///
    /// - Parameters:
    ///   - wanted: The machine's ports that were asked for; nil for any. In the order of the result.
    ///   - preferred: What the instance had before, to be had again if it can be.
    ///   - range: What the machine gives.
    ///   - isFree: Whether no process listens there.
    /// - Returns: One for each of `wanted`.
    /// - Throws: ``InstanceFailure``.
    func ports(
        _ wanted: [Int?], preferred: [Int] = [], in range: ClosedRange<Int>,
        isFree: (Int) -> Bool
    ) throws(InstanceFailure) -> [Int] {
        var taken = ports
        for port in wanted.compactMap({ $0 }) {
            guard range.contains(port) else {
                throw InstanceFailure(
                    "port \(port) is not one of the machine's for instances, \(range.lowerBound) to \(range.upperBound)",
                    isFinal: true)
            }
            guard taken.insert(port).inserted, isFree(port) else {
                throw InstanceFailure("the machine's port \(port) is in use")
            }
        }
        var candidates = (preferred.filter(range.contains) + Array(range)).makeIterator()
        var chosen: [Int] = []
        for port in wanted {
            if let port {
                chosen.append(port)
                continue
            }
            var found: Int?
            while found == nil, let candidate = candidates.next() {
                if taken.insert(candidate).inserted, isFree(candidate) { found = candidate }
            }
            guard let found else {
                throw InstanceFailure("the machine has no port left for an instance")
            }
            chosen.append(found)
        }
        return chosen
    }

    static func numbers(_ text: String?) -> [Int] {
        (text ?? "").split(separator: ",").compactMap { Int($0) }
    }

    static func text(_ numbers: [Int]) -> String {
        numbers.map(String.init).joined(separator: ",")
    }

    /// Whether no process of this host's network listens at the port, by TCP or UDP.
    static func isUnused(_ port: Int) -> Bool {
        [SOCK_STREAM, SOCK_DGRAM].allSatisfy { kind in
            let descriptor = socket(AF_INET, CInt(kind.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
            // Without a descriptor nothing is known, and the engine says no if it must.
            guard descriptor >= 0 else { return true }
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            } == 0
        }
    }
}
