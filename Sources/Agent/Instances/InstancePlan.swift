internal import AgentLink
internal import ContainerEngine

/// What is to be done next for an instance, from the wish and the containers that there are.
///
/// Nothing is remembered from step to step: whatever happened in between, or to the agent, the next step is the
/// right one.
enum InstancePlan {
    /// A container of the instance.
    struct Found: Sendable, Hashable {
        var id: Container.ID
        /// Nil for one that Boathook did not make.
        var generation: Int64?
        /// The engine's word.
        var status: String
        var owner = ""
    }

    enum Step: Sendable, Hashable {
        case remove([Container.ID])
        /// Make one; these are in its place.
        case make(replacing: [Container.ID])
        case start(Container.ID)
        case stop(Container.ID)
        /// Stop one that is to be replaced; more is to be done after that.
        case stopFormer(Container.ID)
        case resume(Container.ID)
        /// All is as wished.
        case done(Container.ID)
        case gone
        case fail(InstanceFailure)
    }

    /// - Parameters:
    ///   - order: The wish.
    ///   - found: Those that it is about, as ``AdoptedContainers/containers(of:among:)`` says.
    /// - Returns: One step.
    static func next(_ order: InstanceOrder, found: [Found]) -> Step {
        guard order.state != .gone else {
            if found.isEmpty { return .gone }
            guard !order.isOfRemoved else {
                return .fail(InstanceFailure("a container of it is there", isFinal: true))
            }
            return .remove(found.map(\.id))
        }
        // The newest that is new enough. An instance that Boathook cannot make again has what it has.
        let candidates = found.filter {
            order.specification == nil || ($0.generation ?? -1) >= order.generation
        }
        let current = candidates.max { ($0.generation ?? -1) < ($1.generation ?? -1) }
        let others = found.map(\.id).filter { $0 != current?.id }
        guard let current else {
            guard order.specification != nil else {
                return .fail(
                    InstanceFailure(
                        "the container is gone, and nothing says what to make it from",
                        isFinal: true))
            }
            // Its owner does not wait for an image that may never come.
            if order.state == .stopped, let running = found.first(where: \.mayRun) {
                return running.status == "paused" ? .resume(running.id) : .stopFormer(running.id)
            }
            return .make(replacing: others)
        }
        if order.specification != nil, !others.isEmpty { return .remove(others) }
        switch (current.status, order.state) {
        case ("dead", _), ("removing", _):
            return .fail(InstanceFailure("the engine is removing the container"))
        case ("paused", _): return .resume(current.id)
        case ("running", .running), ("restarting", .running): return .done(current.id)
        case (_, .running): return .start(current.id)
        case ("running", _), ("restarting", _), ("stopping", _): return .stop(current.id)
        default: return .done(current.id)
        }
    }

    /// Which one is to run while its successor cannot be made.
    ///
    /// - Parameters:
    ///   - order: The wish.
    ///   - found: As for ``next(_:found:)``, looked at after it could not be made.
    /// - Returns: Nil when one runs, or none is to.
    static func substitute(_ order: InstanceOrder, found: [Found]) -> Container.ID? {
        guard order.state == .running, order.specification != nil,
            !found.contains(where: { $0.mayRun || ($0.generation ?? -1) >= order.generation })
        else { return nil }
        let last = found.max { ($0.generation ?? -1) < ($1.generation ?? -1) }
        return last.flatMap { ["created", "exited", "stopped"].contains($0.status) ? $0.id : nil }
    }
}

extension InstancePlan.Found {
    /// Whether processes of its own may be at work in it.
    fileprivate var mayRun: Bool {
        ["running", "restarting", "stopping", "paused"].contains(status)
    }
}

extension InstanceOrder {
    /// Whether it is about a container that the server found on the machine: that one alone, whatever its labels say.
    ///
    /// A server whose database is an older one, or another, finds containers that bear numbers which it never gave, or
    /// gave to others. What it made has generations from 1 on.
    var isOfAdopted: Bool { generation == 0 && specification == nil }

    /// Whether it is that wish once more: it may be told again, or with other keys, while it is carried out.
    func wishesTheSame(as other: InstanceOrder) -> Bool {
        instanceID == other.instanceID && number == other.number && state == other.state
            && generation == other.generation && specification == other.specification
    }
}

extension AdoptedContainers {
    /// Those that an order is about.
    ///
    /// - Parameters:
    ///   - order: The wish.
    ///   - containers: All of which one bears the label of an instance, or that one which the order names.
    /// - Returns: None that this agent's owner did not let be reached.
    func containers(
        of order: InstanceOrder, among containers: [Container]
    ) -> [InstancePlan.Found] {
        containers.compactMap { container in
            let identity = identity(of: container)
            let isMeant =
                order.isOfAdopted
                ? container.id == order.containerID && report(container) != nil
                : identity?.instanceID == order.instanceID
            return isMeant
                ? InstancePlan.Found(
                    id: container.id, generation: identity?.generation, status: container.status,
                    owner: container.labels[ContainerLabel.owner] ?? "")
                : nil
        }
    }
}
