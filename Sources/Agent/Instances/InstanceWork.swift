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
    private let looks = RunSlots(count: 16)
    /// Nor for all that a container's own programs can make slow.
    ///
    /// By owner: who lets many of his hang leaves some to the others.
    private let changes = RunSlots(count: 16, share: 12)

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
            let found = try await looks.withSlot(order.instanceID) {
                try await containers(of: order)
            }
            let owner = order.specification?.owner ?? found.first?.owner ?? ""
            switch InstancePlan.next(order, found: found) {
            case .gone:
                if !order.isOfAdopted { try await maker.removeVolumes(of: order.instanceID) }
                return .gone
            case .done(let id):
                return .done(id)
            case .fail(let failure):
                throw failure
            case .remove(let ids):
                for id in ids { try await remove(id, of: order, owner, wanted) }
            case .resume(let id):
                try await changes.withSlot(RunSlots.account(of: owner)) {
                    try await engine.resume(id)
                }
            case .start(let id):
                try await start(id, order, owner, wanted)
                return .done(id)
            case .stop(let id):
                try await stop(id, owner, wanted)
                return .done(id)
            case .stopFormer(let id):
                try await stop(id, owner, wanted)
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
        try await withStillFiles(of: id, container.labels[ContainerLabel.owner] ?? "") {
            if container.status == "paused" { try await engine.resume(id) }
            try await engine.restart(id, grace: Self.grace)
        }
        known.forget(id)
    }

    private func containers(of order: InstanceOrder) async throws -> [InstancePlan.Found] {
        if order.isOfAdopted {
            guard let id = order.containerID else { return [] }
            return adopted.containers(
                of: order, among: try await adoptedContainer(id).map { [$0] } ?? [])
        }
        return adopted.containers(
            of: order, among: try await engine.summaries(label: ContainerLabel.instanceID))
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
        _ id: Container.ID, _ order: InstanceOrder, _ owner: String, _ wanted: JailCancellation
    ) async throws {
        do {
            try await withStillFiles(of: id, owner, wanted) {
                try await maker.start(id)
            }
        } catch let error as EngineError {
            throw try await maker.startFailure(error, of: id, order)
        }
    }

    private func stop(
        _ id: Container.ID, _ owner: String, _ wanted: JailCancellation
    ) async throws {
        try await withStillFiles(of: id, owner, wanted, insists: true) {
            try await engine.stop(id, grace: Self.grace)
        }
    }

    private func remove(
        _ id: Container.ID, of order: InstanceOrder, _ owner: String, _ wanted: JailCancellation
    ) async throws {
        let container = order.isOfAdopted ? try await engine.summary(of: id) : nil
        try await withStillFiles(of: id, owner, wanted, insists: true) {
            try await engine.remove(id)
        }
        guard let identity = container.flatMap(adopted.identity) else { return }
        // Its volumes bear the number that it had, and not that of the instance that it is here.
        try await maker.removeVolumes(leftBy: identity)
    }

    /// Changes a container's state while no command changes its files; commands see the new state at once.
    ///
    /// - Parameters:
    ///   - id: The container.
    ///   - owner: Whose it is.
    ///   - wanted: Ends the wait when it is cancelled.
    ///   - insists: Whether to go on when the command does not end.
    ///   - body: What to do.
    /// - Throws: ``InstanceFailure``, ``Superseded``; what `body` throws.
    private func withStillFiles(
        of id: Container.ID, _ owner: String, _ wanted: JailCancellation = JailCancellation(),
        insists: Bool = false, _ body: @Sendable () async throws -> Void
    ) async throws {
        defer { known.forget(id) }
        do {
            try await turns.withStillFiles(
                of: id, until: .now + Self.patience, wanted: wanted, insists: insists
            ) {
                try await changes.withSlot(RunSlots.account(of: owner), body)
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
        do {
            try await wanted.untilCancelled {
                try await maker.images.fetch(creation, tell: tell)
            }
        } catch let superseded as Superseded {
            throw superseded
        } catch {
            let failure = InstanceFailure(error)
            guard !replaced.isEmpty, !Task.isCancelled else { throw failure }
            throw try await startSubstitute(order, wanted, instead: failure)
        }
        await tell("making the container", true)
        if wanted.isCancelled { throw Superseded() }
        // Those in its place go when it is there: until then nothing but they say which ports it is to have.
        try await maker.make(creation, replacing: replaced, wanted)
    }

    /// Starts the last container, which was stopped, while the image of the next one cannot be had.
    ///
    /// - Returns: Why the instance is not as it is wished.
    private func startSubstitute(
        _ order: InstanceOrder, _ wanted: JailCancellation, instead failure: InstanceFailure
    ) async throws -> InstanceFailure {
        do {
            let found = try await containers(of: order)
            if let id = InstancePlan.substitute(order, found: found) {
                try await start(id, order, order.specification?.owner ?? "", wanted)
            }
            return failure
        } catch let superseded as Superseded {
            throw superseded
        } catch {
            var failure = failure
            failure.cause += "; the last container does not start: \(error)"
            return failure
        }
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
