internal import AgentLink
internal import ContainerEngine
internal import NIOConcurrencyHelpers

/// Images, volumes and containers of instances, and what of the machine they get.
struct InstanceMaker: Sendable {
    let engine: any ContainerEngine
    let agentID: String
    let settings: InstanceSettings
    let machine: MachineInspector
    /// Taken while a container gets its share of the machine, so that no two get the same.
    private let sharing = InstanceLocks()
    private let pulls = RunSlots(count: 3)
    private let engineHasQuotas = NIOLockedValueBox(true)
    /// Ports that somebody has whom only the engine sees; tried again when there is no other.
    private let lostPorts = NIOLockedValueBox<Set<Int>>([])

    init(
        engine: any ContainerEngine, agentID: String, settings: InstanceSettings,
        machine: MachineInspector
    ) {
        self.engine = engine
        self.agentID = agentID
        self.settings = settings
        self.machine = machine
    }

    /// Checks all that can be checked before anything is done.
    func prepare(
        _ specification: ContainerSpecification, _ identity: InstanceIdentity, agentID: String
    ) throws -> InstanceCreation {
        guard settings.makesInstances else {
            throw InstanceFailure("this machine's owner lets no instances be made", isFinal: true)
        }
        return try InstanceCreation(
            identity: identity, specification: specification, agentID: agentID)
    }

    /// Fetches the image unless it is here.
    func fetch(
        _ creation: InstanceCreation, tell: @escaping InstanceWork.Tell
    ) async throws {
        let image = creation.image
        guard try await !engine.hasImage(image) else { return }
        let slot = await pulls.enqueue(creation.identity.instanceID)
        do {
            try await slot.ticket.wait()
            try await pull(image, creation.credentials, tell: tell)
            await pulls.leave(slot)
        } catch {
            await pulls.leave(slot)
            throw error
        }
    }

    private func pull(
        _ image: ImageName, _ credentials: RegistryCredentials?,
        tell: @escaping InstanceWork.Tell
    ) async throws {
        await tell("pulling \(image)", true)
        let (updates, queue) = AsyncStream.makeStream(
            of: PullProgress.self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { queue.finish() }
                do {
                    try await engine.pull(image, credentials: credentials) { queue.yield($0) }
                } catch let error as EngineError {
                    throw InstanceFailure(
                        "\(image) cannot be pulled: \(error.message)",
                        isFinal: error.code == .impossible)
                }
            }
            group.addTask {
                for await progress in updates {
                    guard let text = progress.description else { continue }
                    await tell("pulling \(image): \(text)", false)
                    try await Task.sleep(for: Self.progressInterval)
                }
            }
            for try await _ in group {}
        }
    }

    /// Makes the container, or finds that it is made already.
    func make(
        _ creation: InstanceCreation, preferredPorts: [Int], sshPort: Int?
    ) async throws {
        for volume in creation.volumes {
            try await engine.makeVolume(
                volume.name, labels: Self.labels(creation.identity.instanceID, agentID))
        }
        try await withSharing {
            let share = try await share(creation, preferredPorts, sshPort)
            let name = creation.identity.containerName
            do {
                try await make(creation, name, share)
            } catch let error as EngineError where error.code == .nameTaken {
                let other = try await engine.inspect(name, patience: Self.patience)
                let identity = other.flatMap {
                    InstanceIdentity(labels: $0.labels, agentID: agentID)
                }
                guard identity != creation.identity else { return }
                // Another agent's, or a person's.
                try await make(creation, "\(name)-\(agentID)", share)
            }
        }
    }

    private func make(
        _ creation: InstanceCreation, _ name: String, _ share: InstanceCreation.Share
    ) async throws {
        var share = share
        share.hasQuota = engineHasQuotas.withLockedValue { $0 }
        do {
            _ = try await engine.create(creation.creation(name: name, share: share))
        } catch let error as EngineError where error.code == .noQuotas {
            engineHasQuotas.withLockedValue { $0 = false }
            share.hasQuota = false
            _ = try await engine.create(creation.creation(name: name, share: share))
        }
    }

    private func share(
        _ creation: InstanceCreation, _ preferredPorts: [Int], _ formerSSHPort: Int?
    ) async throws -> InstanceCreation.Share {
        let specification = creation.specification
        let network = try await network()
        let resources = MachineResources(
            of: try await engine.summaries(label: ContainerLabel.instanceID))
        var wanted = network == "bridge" ? specification.ports.map(\.hostPort) : []
        // Clients keep it for ever (contract 9). Our own server may still listen there.
        let keptPort = formerSSHPort.flatMap {
            settings.ports.contains($0) && !resources.ports.contains($0) ? $0 : nil
        }
        if specification.hasSSH, keptPort == nil { wanted.append(nil) }
        var ports = try ports(wanted, preferredPorts, except: keptPort, beside: resources)
        let sshPort = specification.hasSSH ? keptPort ?? ports.removeLast() : nil
        let all = specification.gpuCount > 0 ? try await machine.gpus() : []
        let gpus = try resources.gpus(specification.gpuCount, of: all)
        return InstanceCreation.Share(
            network: network, ports: ports, sshPort: sshPort, gpus: gpus,
            publicAddress: settings.publicAddress,
            sharedMemoryByteCount: await machine.sharedMemoryByteCount(
                gpuCount: gpus.count))
    }

    private func ports(
        _ wanted: [Int?], _ preferred: [Int], except keptPort: Int?,
        beside resources: MachineResources
    ) throws(InstanceFailure) -> [Int] {
        let lost = lostPorts.withLockedValue { $0 }
        do {
            return try resources.ports(wanted, preferred: preferred, in: settings.ports) {
                $0 != keptPort && !lost.contains($0) && MachineResources.isUnused($0)
            }
        } catch {
            lostPorts.withLockedValue { $0 = [] }
            throw error
        }
    }

    private func network() async throws -> String {
        guard settings.network == .auto else { return settings.network.rawValue }
        return try await engine.networks().contains("bridge") ? "bridge" : "none"
    }

    /// Starts a container, unless its GPUs are another one's now.
    func start(_ id: Container.ID) async throws {
        let container = try await engine.summary(of: id)
        let gpus = MachineResources.numbers(container?.labels[ContainerLabel.gpus])
        guard !gpus.isEmpty else { return try await engine.start(id) }
        try await withSharing {
            let others = MachineResources(
                of: try await engine.summaries(label: ContainerLabel.instanceID), except: id)
            if let gpu = gpus.first(where: others.usedGPUs.contains) {
                throw InstanceFailure("its GPU \(gpu) is in use by another instance")
            }
            try await engine.start(id)
        }
    }

    /// What a failed start means for the owner.
    ///
    /// A container that never ran because a port was lost in the meantime is removed: its successor gets another.
    func startFailure(
        _ error: EngineError, of id: Container.ID, _ order: InstanceOrder
    ) async throws -> any Error {
        if error.code == .impossible {
            if case .shell = order.specification?.program, error.message.contains("/bin/sh") {
                return InstanceFailure(
                    "the image has no /bin/sh that can be run; use the image's own program (runtype args)",
                    isFinal: true)
            }
            // What stands before it is about the engine's own parts.
            let cause = error.message.firstRange(of: "exec: \"").map {
                String(error.message[$0.lowerBound...])
            }
            return InstanceFailure(
                "its program cannot be run: \(cause ?? error.message)", isFinal: true)
        }
        let words = ["port is already allocated", "address already in use"]
        if order.specification != nil, words.contains(where: error.message.contains),
            let container = try await engine.summary(of: id), container.status == "created"
        {
            let ports = MachineResources.numbers(container.labels[ContainerLabel.ports])
            lostPorts.withLockedValue { $0.formUnion(ports) }
            try await engine.remove(id)
        }
        return error
    }

    func removeVolumes(of instanceID: Int64) async throws {
        for name in try await engine.volumes(labels: Self.labels(instanceID, agentID)) {
            try await engine.removeVolume(name)
        }
    }

    private static func labels(_ instanceID: Int64, _ agentID: String) -> [String: String] {
        [ContainerLabel.agent: agentID, ContainerLabel.instanceID: "\(instanceID)"]
    }

    private func withSharing(_ body: () async throws -> Void) async throws {
        let place = await sharing.enqueue("machine", .exclusive)
        do {
            try await place.ticket.wait()
            try await body()
            await sharing.leave(place)
        } catch {
            await sharing.leave(place)
            throw error
        }
    }

    private static let progressInterval = Duration.milliseconds(300)
    private static let patience = Duration.seconds(10)
}
