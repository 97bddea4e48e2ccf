internal import AgentLink
internal import ContainerEngine
internal import Jail
internal import Logging

/// Makes this machine's instances as the server wishes them, and tells it how far that is.
///
/// The last wish for an instance counts. One instance is worked on by one task, different ones side by side.
/// Nothing is kept on disk: containers say by their labels what they are, and the server repeats what is not done.
actor InstanceKeeper {
    private struct Entry {
        /// What is to be carried out; nil when it is, or cannot be.
        var wish: InstanceOrder?
        /// A wish to start the container afresh.
        var restart: RestartInstance?
        /// Cancelled when the wish changes.
        var wanted = JailCancellation()
        /// Cancelled when the same wish comes again.
        var pause = JailCancellation()
        var isAtWork = false
    }

    private let work: InstanceWork
    private let inventory: Inventory
    private let history: InstanceHistory
    private let link: any ServerLink
    private let gone: @Sendable (Int64) -> Void
    private let logger: Logger
    private var entries: [Int64: Entry] = [:]
    /// The last wish for each, carried out or not.
    private var wishes: [Int64: InstanceOrder] = [:]
    /// Containers that the engine has ended and that are to run again.
    private var ended: [Int64: Container.ID] = [:]
    private let instances: AsyncStream<Int64>
    private let queue: AsyncStream<Int64>.Continuation

    /// - Parameters:
    ///   - work: Does it.
    ///   - inventory: Tells of containers.
    ///   - history: What owners are told.
    ///   - link: Where the server is told how far wishes are.
    ///   - gone: Called with an instance of which nothing is left.
    ///   - logger: The process's.
    init(
        work: InstanceWork, inventory: Inventory, history: InstanceHistory, link: any ServerLink,
        gone: @escaping @Sendable (Int64) -> Void, logger: Logger
    ) {
        self.work = work
        self.inventory = inventory
        self.history = history
        self.link = link
        self.gone = gone
        self.logger = logger
        (instances, queue) = AsyncStream.makeStream(of: Int64.self)
    }

    /// Takes a wish; it takes the place of the last one for the same instance.
    func want(_ order: InstanceOrder) {
        wishes[order.instanceID] = order.state == .gone ? nil : order
        if !order.isSettled { carryOut(order) }
    }

    /// The engine was restarted, and has ended a container: the wish that it runs was carried out, and is not any more.
    private func startAgain(_ identity: InstanceIdentity, _ container: Container.ID) {
        guard let order = wishes[identity.instanceID], order.state == .running,
            !order.isOfAdopted, order.generation == identity.generation
        else { return inventory.endRestart(of: container) }
        ended[identity.instanceID] = container
        history.note("ended by a restart of the engine", instance: identity.instanceID)
        carryOut(order)
    }

    private func carryOut(_ order: InstanceOrder) {
        let id = order.instanceID
        if entries[id]?.wish?.wishesTheSame(as: order) == true {
            entries[id]?.pause.cancel()
            return
        }
        entries[id]?.wanted.cancel()
        entries[id, default: Entry()].wish = order
        entries[id]?.wanted = JailCancellation()
        begin(id)
    }

    /// Takes a wish of one moment.
    func restart(_ wish: RestartInstance) {
        entries[wish.instanceID, default: Entry()].restart = wish
        begin(wish.instanceID)
    }

    private func begin(_ id: Int64) {
        guard entries[id]?.isAtWork == false else { return }
        entries[id]?.isAtWork = true
        queue.yield(id)
    }

    /// Works until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await (identity, container) in self.inventory.endedByEngine {
                    await self.startAgain(identity, container)
                }
            }
            for await id in instances {
                group.addTask { await self.work(on: id) }
            }
        }
    }

    /// Until nothing more is wished of the instance.
    private func work(on id: Int64) async {
        var retries = InstanceRetries()
        var last: InstanceOrder?
        while !Task.isCancelled {
            if let wish = entries[id]?.restart {
                entries[id]?.restart = nil
                await carryOut(wish)
            } else if let wish = entries[id]?.wish, let wanted = entries[id]?.wanted {
                if wish != last { (last, retries) = (wish, InstanceRetries()) }
                let attempt = await carryOut(wish, wanted: wanted, isOverdue: retries.isOverdue)
                if let container = ended.removeValue(forKey: id) {
                    inventory.endRestart(of: container)
                }
                switch attempt {
                case .nothing: break
                case .failure(let failure):
                    await take(failure, wish, wanted, retries.next(after: failure, at: .now))
                case .outcome(let outcome):
                    await end(wish, outcome, wanted)
                }
            } else {
                // Nothing can come between this look and the entry's end.
                entries[id] = nil
                return
            }
        }
    }

    /// What came of an attempt.
    private enum Attempt {
        case outcome(InstanceWork.Outcome)
        case failure(InstanceFailure)
        /// Nobody wishes it any more.
        case nothing
    }

    private func carryOut(
        _ wish: InstanceOrder, wanted: JailCancellation, isOverdue: Bool
    ) async -> Attempt {
        do {
            let outcome = try await work.carryOut(wish, wanted: wanted) { text, isStep in
                // The steps up to a failure that was told are no news.
                if isOverdue, isStep {
                    self.history.note(text, instance: wish.instanceID)
                } else {
                    await self.tell(wish, .loading, text, isStep: isStep)
                }
            }
            return .outcome(outcome)
        } catch is InstanceWork.Superseded {
            return .nothing
        } catch is CancellationError {
            return .nothing
        } catch {
            return Task.isCancelled ? .nothing : .failure(InstanceFailure(error))
        }
    }

    private func take(
        _ failure: InstanceFailure, _ wish: InstanceOrder, _ wanted: JailCancellation,
        _ next: InstanceRetries.Next
    ) async {
        let id = wish.instanceID
        logger.warning(
            "instance not as wished",
            metadata: ["boathook.instance.id": "\(id)", "error": "\(failure.logText)"])
        switch next {
        case .rest:
            await repeatUntilTold(wish, wanted) { isFirst in
                await self.tell(wish, .failed, failure.message, isStep: isFirst)
            }
            forget(wish)
        case .again(let time, let isLoading):
            if isLoading {
                await tell(wish, .loading, "to be tried again: \(failure.message)")
            } else {
                await tell(wish, .failed, failure.message)
            }
            await pause(wish, wanted, for: time)
        }
    }

    private func end(
        _ wish: InstanceOrder, _ outcome: InstanceWork.Outcome, _ wanted: JailCancellation
    ) async {
        var isThere = true
        await repeatUntilTold(wish, wanted) { isFirst in
            switch outcome {
            case .gone:
                return await self.tell(wish, .gone, "", isStep: isFirst)
            case .done(let container):
                // The server hears of the container before it hears that nothing more is to be expected.
                let answer = await self.inventory.tell(container) {
                    await self.tell(wish, .done, "", isStep: isFirst)
                }
                isThere = answer != .gone
                return answer != .failed
            }
        }
        // Somebody removed the container before the server knew of it: the wish is to be carried out once more.
        guard isThere else { return await pause(wish, wanted, for: .seconds(1)) }
        if outcome == .gone { gone(wish.instanceID) }
        forget(wish)
    }

    /// Tells the end of a wish until the server has taken it, or the wish is another one.
    ///
    /// A link that stands does not bring the wish again, and nothing else would say what came of it.
    private func repeatUntilTold(
        _ wish: InstanceOrder, _ wanted: JailCancellation, _ tell: (_ isFirst: Bool) async -> Bool
    ) async {
        var time = Duration.seconds(1)
        var isFirst = true
        while await !tell(isFirst), !Task.isCancelled, !wanted.isCancelled {
            await pause(wish, wanted, for: time)
            time = min(time * 2, .seconds(30))
            isFirst = false
        }
    }

    private func forget(_ wish: InstanceOrder) {
        // The engine was restarted, and has ended what was done: the same wish is to be carried out once more.
        guard ended[wish.instanceID] == nil else { return }
        if entries[wish.instanceID]?.wish == wish { entries[wish.instanceID]?.wish = nil }
    }

    /// Or until the wish comes again or changes.
    private func pause(
        _ wish: InstanceOrder, _ wanted: JailCancellation, for time: Duration
    ) async {
        let pause = JailCancellation()
        guard entries[wish.instanceID]?.wish == wish else { return }
        entries[wish.instanceID]?.pause = pause
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await wanted.waitUntilCancelled() }
            group.addTask { await pause.waitUntilCancelled() }
            group.addTask { try? await Task.sleep(for: time) }
            await group.next()
            group.cancelAll()
        }
    }

    private func carryOut(_ wish: RestartInstance) async {
        let id = wish.instanceID
        history.note("restarting", instance: id)
        do {
            try await inventory.whileRestarting(wish.containerID) { try await work.restart(wish) }
            history.note("restarted", instance: id)
        } catch {
            // Whoever wished it sees that it did not happen, and wishes again.
            let failure = InstanceFailure(error)
            history.note("not restarted: \(failure.message)", instance: id)
            logger.warning(
                "instance not restarted",
                metadata: ["boathook.instance.id": "\(id)", "error": "\(failure.logText)"])
        }
        _ = await inventory.tell(wish.containerID)
    }

    /// - Returns: Whether the server has taken it.
    @discardableResult
    private func tell(
        _ wish: InstanceOrder, _ phase: InstanceProgress.Phase, _ message: String,
        isStep: Bool = true
    ) async -> Bool {
        let words =
            switch phase {
            case .loading: message
            case .failed: "failed: \(message)"
            case .done: "\(wish.state.rawValue), as wished"
            case .gone: "removed"
            }
        if isStep { history.note(words, instance: wish.instanceID) }
        do {
            try await link.send(
                .instanceProgress(
                    InstanceProgress(
                        instanceID: wish.instanceID, number: wish.number, phase: phase,
                        message: message)))
            return true
        } catch {
            logger.debug("progress not told", metadata: ["error": "\(error)"])
            return false
        }
    }
}
