internal import AgentLink
internal import ContainerEngine
internal import Jail

/// Makes one instance as it is wished, step by step; each step begins with a look at what there is.
struct InstanceWork: Sendable {
    let engine: any ContainerEngine
    let adopted: AdoptedContainers
    let known: KnownContainers
    let turns: CommandTurns
    let maker: InstanceMaker
    /// The engine is not asked for everything at once.
    private let calls = RunSlots(count: 16)

    init(
        engine: any ContainerEngine, adopted: AdoptedContainers, known: KnownContainers,
        turns: CommandTurns, maker: InstanceMaker
    ) {
        self.engine = engine
        self.adopted = adopted
        self.known = known
        self.turns = turns
        self.maker = maker
    }

    /// What came of it.
    enum Outcome: Sendable, Hashable {
        case done(Container.ID)
        case gone
    }

    /// Tells the owner how far it is; and whether that is a step of its own.
    typealias Tell = @Sendable (String, _ isStep: Bool) async -> Void

    /// The wish was changed while it was worked on.
    struct Superseded: Error {}

    /// - Parameters:
    ///   - order: The wish.
    ///   - wanted: Cancelled when it is another one.
    ///   - tell: Tells the owner how far it is.
    /// - Returns: When all is as wished.
    /// - Throws: ``Superseded``; `CancellationError` when the agent stops; what makes an ``InstanceFailure``.
    func carryOut(
        _ order: InstanceOrder, wanted: JailCancellation,
        tell: @escaping Tell
    ) async throws -> Outcome {
        for _ in 0..<Self.maximumStepCount {
            if wanted.isCancelled { throw Superseded() }
            let found = try await calls.withSlot(order.instanceID) {
                try await containers(of: order)
            }
            switch InstancePlan.next(order, found: found) {
            case .gone:
                try await maker.removeVolumes(of: order.instanceID)
                return .gone
            case .done(let id):
                return .done(id)
            case .fail(let failure):
                throw failure
            case .remove(let ids):
                for id in ids { try await remove(id, of: order, wanted) }
            case .resume(let id):
                try await calls.withSlot(order.instanceID) { try await engine.resume(id) }
            case .start(let id):
                try await start(id, order, wanted)
                return .done(id)
            case .stop(let id):
                try await stop(id, of: order, wanted)
                return .done(id)
            case .make(let replaced):
                try await make(order, replacing: replaced, wanted, tell)
            }
        }
        throw InstanceFailure("the container does not stay as it is wished")
    }

    /// Ends a running container's processes and starts it again.
    func restart(_ wish: RestartInstance) async throws {
        let id = wish.containerID
        guard let container = try await adoptedContainer(id) else {
            throw InstanceFailure("the container is gone")
        }
        guard ["running", "paused"].contains(container.status) else {
            throw InstanceFailure("the instance does not run")
        }
        // Two mounts of its files, one of them a writer's, would spoil them.
        try await withStillFiles(of: id, of: wish.instanceID) {
            if container.status == "paused" { try await engine.resume(id) }
            try await engine.restart(id, grace: Self.grace)
        }
        known.forget(id)
    }

    /// Those that Boathook made for the instance, and the one that the order names.
    private func containers(of order: InstanceOrder) async throws -> [InstancePlan.Found] {
        let made = try await engine.summaries(label: ContainerLabel.instanceID)
        var found = made.compactMap { container -> InstancePlan.Found? in
            guard let identity = adopted.identity(of: container),
                identity.instanceID == order.instanceID
            else { return nil }
            return InstancePlan.Found(
                id: container.id, generation: identity.generation, status: container.status)
        }
        if let id = order.containerID, !found.contains(where: { $0.id == id }),
            let container = try await adoptedContainer(id), adopted.identity(of: container) == nil
        {
            found.append(
                InstancePlan.Found(id: id, generation: nil, status: container.status))
        }
        return found
    }

    /// Nil also for one that the server is not to reach.
    private func adoptedContainer(_ id: Container.ID) async throws -> Container? {
        // It becomes a part of the engine's paths.
        guard Container.isID(id), let container = try await engine.summary(of: id),
            adopted.report(container) != nil
        else { return nil }
        return container
    }

    private func start(
        _ id: Container.ID, _ order: InstanceOrder, _ wanted: JailCancellation
    ) async throws {
        do {
            try await withStillFiles(of: id, of: order.instanceID, wanted) {
                try await maker.start(id)
            }
        } catch let error as EngineError {
            throw try await maker.startFailure(error, of: id, order)
        }
    }

    private func stop(
        _ id: Container.ID, of order: InstanceOrder, _ wanted: JailCancellation
    ) async throws {
        try await withStillFiles(of: id, of: order.instanceID, wanted, insists: true) {
            try await engine.stop(id, grace: Self.grace)
        }
    }

    private func remove(
        _ id: Container.ID, of order: InstanceOrder, _ wanted: JailCancellation
    ) async throws {
        try await withStillFiles(of: id, of: order.instanceID, wanted, insists: true) {
            try await engine.remove(id)
        }
    }

    /// Changes a container's state while no command changes its files; commands see the new state at once.
    ///
    /// - Parameters:
    ///   - id: The container.
    ///   - instance: Whose it is.
    ///   - wanted: Ends the wait when it is cancelled.
    ///   - insists: Whether to go on when the command does not end.
    ///   - body: What to do.
    /// - Throws: ``InstanceFailure``, ``Superseded``; what `body` throws.
    private func withStillFiles(
        of id: Container.ID, of instance: Int64, _ wanted: JailCancellation = JailCancellation(),
        insists: Bool = false, _ body: @Sendable () async throws -> Void
    ) async throws {
        defer { known.forget(id) }
        do {
            try await turns.withStillFiles(
                of: id, until: .now + Self.patience, wanted: wanted, insists: insists
            ) {
                try await calls.withSlot(instance, body)
            }
        } catch CommandTurns.Missed.overdue {
            throw InstanceFailure("a command that changes its files still runs")
        } catch CommandTurns.Missed.cancelled {
            throw Superseded()
        }
    }

    private func make(
        _ order: InstanceOrder, replacing replaced: [Container.ID], _ wanted: JailCancellation,
        _ tell: @escaping Tell
    ) async throws {
        guard let specification = order.specification else {
            throw InstanceFailure("nothing says what to make it from", isFinal: true)
        }
        let creation = try maker.prepare(
            specification, InstanceIdentity(order), agentID: adopted.agentID)
        try await wanted.untilCancelled {
            try await maker.fetch(creation, tell: tell)
        }
        // What it had is kept until its successor can be made.
        var ports: [Int] = []
        var sshPort: Int?
        for id in replaced {
            let labels = try await engine.summary(of: id)?.labels
            ports += MachineResources.numbers(labels?[ContainerLabel.ports])
            sshPort = MachineResources.numbers(labels?[ContainerLabel.sshPort]).first ?? sshPort
            try await remove(id, of: order, wanted)
        }
        await tell("making the container", true)
        if wanted.isCancelled { throw Superseded() }
        try await maker.make(creation, preferredPorts: ports, sshPort: sshPort)
    }

    /// More steps than any wish takes, so that a quarrel with somebody else ends.
    private static let maximumStepCount = 12
    /// Between the wish to end and the end.
    private static let grace = Duration.seconds(10)
    /// How long a writer's command is waited for.
    private static let patience = Duration.seconds(60)
}

extension InstanceIdentity {
    init(_ order: InstanceOrder) {
        self.init(instanceID: order.instanceID, generation: order.generation)
    }
}

extension JailCancellation {
    /// Does `body`, and breaks it off when this is cancelled.
    ///
    /// - Throws: ``InstanceWork/Superseded``; what `body` throws.
    func untilCancelled(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await body()
                return true
            }
            group.addTask {
                await self.waitUntilCancelled()
                return false
            }
            let isDone = try await group.next() ?? false
            group.cancelAll()
            if !isDone {
                try Task.checkCancellation()
                throw InstanceWork.Superseded()
            }
        }
    }
}
