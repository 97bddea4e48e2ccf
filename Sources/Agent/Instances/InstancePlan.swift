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
    }

    enum Step: Sendable, Hashable {
        case remove([Container.ID])
        /// Make one; these are in its place.
        case make(replacing: [Container.ID])
        case start(Container.ID)
        case stop(Container.ID)
        case resume(Container.ID)
        /// All is as wished.
        case done(Container.ID)
        case gone
        case fail(InstanceFailure)
    }

    static func next(_ order: InstanceOrder, found: [Found]) -> Step {
        guard order.state != .gone else {
            return found.isEmpty ? .gone : .remove(found.map(\.id))
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
                        "the container is gone, and Boathook did not make it", isFinal: true))
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
}
