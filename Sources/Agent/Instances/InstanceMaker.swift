internal import AgentLink
internal import ContainerEngine
internal import Jail
internal import Logging
internal import NIOConcurrencyHelpers

/// Volumes and containers of instances, and what of the machine they get.
struct InstanceMaker: Sendable {
    let engine: any ContainerEngine
    let agentID: String
    let settings: InstanceSettings
    let machine: MachineInspector
    let images: InstanceImages
    /// Taken while a container gets its share of the machine, so that no two get the same.
    private let sharing = InstanceLocks()
    private let inMaking = SharesInMaking()
    /// One takes long when the engine copies much of an image into a new volume.
    private let creations = RunSlots(count: 6, share: 3)
    private let networks: InstanceNetworks
    private let bounds: DiskBounds
    /// Ports that somebody has whom only the engine sees; tried again when there is no other.
    private let lostPorts = NIOLockedValueBox<Set<Int>>([])

    init(
        engine: any ContainerEngine, agentID: String, settings: InstanceSettings,
        machine: MachineInspector, guarded: GuardedRepositories, logger: Logger
    ) {
        self.engine = engine
        self.agentID = agentID
        self.settings = settings
        self.machine = machine
        images = InstanceImages(engine: engine, guarded: guarded)
        bounds = DiskBounds(logger: logger)
        networks = InstanceNetworks(engine: engine, wanted: settings.network, logger: logger)
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

    /// Makes the container, or finds that it is made already.
    ///
    /// - Parameters:
    ///   - creation: What to make.
    ///   - replaced: Those that it takes the place of, and whose share of the machine it gets.
    ///   - wanted: Is cancelled when nobody wants it any more.
    /// - Throws: What the engine throws; ``InstanceFailure``; ``Superseded``.
    func make(
        _ creation: InstanceCreation, replacing replaced: [Container.ID], _ wanted: JailCancellation
    ) async throws {
        for volume in creation.volumes {
            try await engine.makeVolume(
                volume.name, labels: Self.labels(creation.identity.instanceID, agentID))
        }
        let owner = RunSlots.account(of: creation.specification.owner)
        let turn: @Sendable (Ticket) async throws -> Void = { ticket in
            try await wanted.untilCancelled { try await ticket.wait() }
        }
        try await creations.withSlot(owner, turn: turn) {
            let gpus = creation.specification.gpuCount > 0 ? try await machine.gpus() : []
            let claim = try await withSharing {
                inMaking.claim(try await share(creation, replacing: replaced, of: gpus))
            }
            defer { inMaking.giveUp(claim) }
            try await make(creation, claim.share)
        }
    }

    private func make(
        _ creation: InstanceCreation, _ share: InstanceCreation.Share
    ) async throws {
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

    private func make(
        _ creation: InstanceCreation, _ name: String, _ share: InstanceCreation.Share
    ) async throws {
        var share = share
        share.hasQuota = bounds.areAskedFor
        do {
            _ = try await engine.create(creation.creation(name: name, share: share))
            if share.hasQuota { bounds.wereGranted() }
        } catch let error as EngineError where error.code == .noQuotas {
            bounds.wereRefused(error)
            share.hasQuota = false
            _ = try await engine.create(creation.creation(name: name, share: share))
        }
    }

    private func share(
        _ creation: InstanceCreation, replacing replaced: [Container.ID],
        of all: [MachineReport.GPU]
    ) async throws -> InstanceCreation.Share {
        let specification = creation.specification
        let network = try await networks.name()
        let inMaking = inMaking.all
        let containers = try await engine.summaries(label: ContainerLabel.instanceID)
        var resources = MachineResources(of: containers, except: Set(replaced))
        resources.add(inMaking)
        let former = FormerPorts(of: containers.filter { replaced.contains($0.id) })
        var wanted =
            InstanceNetworks.mapsPorts(network) ? specification.ports.map(\.hostPort) : []
        // Clients keep it for ever (contract 9).
        let keptPort = former.ssh.flatMap {
            settings.ports.contains($0) && !resources.ports.contains($0) ? $0 : nil
        }
        if specification.hasSSH, keptPort == nil { wanted.append(nil) }
        var ports = try ports(wanted, former, except: keptPort, beside: resources)
        let sshPort = specification.hasSSH ? keptPort ?? ports.removeLast() : nil
        let gpus = try resources.gpus(specification.gpuCount, of: all)
        return InstanceCreation.Share(
            network: network, ports: ports, sshPort: sshPort, gpus: gpus,
            publicAddress: settings.publicAddress,
            sharedMemoryByteCount: await machine.sharedMemoryByteCount(
                gpuCount: gpus.count),
            limits: await machine.limits(gpuCount: gpus.count))
    }

    private func ports(
        _ wanted: [Int?], _ former: FormerPorts, except keptPort: Int?,
        beside resources: MachineResources
    ) throws(InstanceFailure) -> [Int] {
        let lost = lostPorts.withLockedValue { $0 }
        do {
            return try resources.ports(wanted, preferred: former.others, in: settings.ports) {
                // On its former ones it is itself that listens. If it is not, the start says so.
                $0 != keptPort && !lost.contains($0)
                    && (former.others.contains($0) || MachineResources.isUnused($0))
            }
        } catch {
            lostPorts.withLockedValue { $0 = [] }
            throw error
        }
    }

    /// Starts a container, unless its GPUs are another one's now.
    func start(_ id: Container.ID) async throws {
        let container = try await engine.summary(of: id)
        let gpus = MachineResources.numbers(container?.labels[ContainerLabel.gpus])
        let isOurs = container?.labels[ContainerLabel.agent] == agentID
        guard !gpus.isEmpty else { return try await networks.start(id, isOurs: isOurs) }
        try await withSharing {
            let others = MachineResources(
                of: try await engine.summaries(label: ContainerLabel.instanceID), except: [id])
            if let gpu = gpus.first(where: others.usedGPUs.contains) {
                throw InstanceFailure("its GPU \(gpu) is in use by another instance")
            }
            try await networks.start(id, isOurs: isOurs)
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

    /// Removes the volumes of a container of ours that was adopted and is gone, unless another one has its number.
    func removeVolumes(leftBy identity: InstanceIdentity) async throws {
        let others = try await engine.summaries(label: ContainerLabel.instanceID).compactMap {
            InstanceIdentity(labels: $0.labels, agentID: agentID)
        }
        guard !others.contains(where: { $0.instanceID == identity.instanceID }) else { return }
        try await removeVolumes(of: identity.instanceID)
    }

    func removeVolumes(of instanceID: Int64) async throws {
        for name in try await engine.volumes(labels: Self.labels(instanceID, agentID)) {
            try await engine.removeVolume(name)
        }
    }

    private static func labels(_ instanceID: Int64, _ agentID: String) -> [String: String] {
        [ContainerLabel.agent: agentID, ContainerLabel.instanceID: "\(instanceID)"]
    }

    private func withSharing<Result: Sendable>(
        _ body: () async throws -> Result
    ) async throws -> Result {
        let place = await sharing.enqueue("machine", .exclusive)
        do {
            try await place.ticket.wait()
            let result = try await body()
            await sharing.leave(place)
            return result
        } catch {
            await sharing.leave(place)
            throw error
        }
    }

    private static let patience = Duration.seconds(10)
}

extension RunSlots {
    /// Two owners that are taken for one wait for each other, and no more comes of it.
    static func account(of owner: String) -> Account { Account(owner.hashValue) }
}
