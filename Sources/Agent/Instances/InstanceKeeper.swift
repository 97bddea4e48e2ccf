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
    private let logger: Logger
    private var entries: [Int64: Entry] = [:]
    private let instances: AsyncStream<Int64>
    private let queue: AsyncStream<Int64>.Continuation

    init(
        work: InstanceWork, inventory: Inventory, history: InstanceHistory, link: any ServerLink,
        logger: Logger
    ) {
        self.work = work
        self.inventory = inventory
        self.history = history
        self.link = link
        self.logger = logger
        (instances, queue) = AsyncStream.makeStream(of: Int64.self)
    }

    /// Takes a wish; it takes the place of the last one for the same instance.
    func want(_ order: InstanceOrder) {
        let id = order.instanceID
        if entries[id]?.wish == order {
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
            for await id in instances {
                group.addTask { await self.work(on: id) }
            }
        }
    }

    /// Until nothing more is wished of the instance.
    private func work(on id: Int64) async {
        var failures = 0
        var last: InstanceOrder?
        while !Task.isCancelled {
            if let wish = entries[id]?.restart {
                entries[id]?.restart = nil
                await carryOut(wish)
            } else if let wish = entries[id]?.wish, let wanted = entries[id]?.wanted {
                if wish != last { (last, failures) = (wish, 0) }
                await carryOut(wish, wanted: wanted, failures: failures)
                failures += 1
            } else {
                // Nothing can come between this look and the entry's end.
                entries[id] = nil
                return
            }
        }
    }

    private func carryOut(
        _ wish: InstanceOrder, wanted: JailCancellation, failures: Int
    ) async {
        do {
            let outcome = try await work.carryOut(wish, wanted: wanted) { text, isStep in
                await self.tell(wish, .loading, text, isStep: isStep)
            }
            await end(wish, outcome)
        } catch is InstanceWork.Superseded {
            return
        } catch is CancellationError {
            return
        } catch {
            guard !Task.isCancelled else { return }
            let failure = InstanceFailure(error)
            logger.warning(
                "instance not as wished",
                metadata: [
                    "boathook.instance.id": "\(wish.instanceID)", "error": "\(failure.message)",
                ])
            await tell(wish, .failed, failure.message)
            if failure.isFinal {
                forget(wish)
            } else {
                await pause(wish, wanted, failures: failures)
            }
        }
    }

    private func end(_ wish: InstanceOrder, _ outcome: InstanceWork.Outcome) async {
        switch outcome {
        case .gone:
            await tell(wish, .gone, "")
        case .done(let container):
            // The server hears of the container before it hears that nothing more is to be expected.
            await inventory.tell(container)
            await tell(wish, .done, "")
        }
        forget(wish)
    }

    private func forget(_ wish: InstanceOrder) {
        if entries[wish.instanceID]?.wish == wish { entries[wish.instanceID]?.wish = nil }
    }

    /// 1 s, 2 s, 4 s … 60 s, or until the wish comes again or changes.
    private func pause(_ wish: InstanceOrder, _ wanted: JailCancellation, failures: Int) async {
        let pause = JailCancellation()
        guard entries[wish.instanceID]?.wish == wish else { return }
        entries[wish.instanceID]?.pause = pause
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await wanted.waitUntilCancelled() }
            group.addTask { await pause.waitUntilCancelled() }
            group.addTask {
                try? await Task.sleep(for: .seconds(min(60, 1 << min(failures, 6))))
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func carryOut(_ wish: RestartInstance) async {
        let id = wish.instanceID
        history.note("restarting", instance: id)
        do {
            try await work.restart(wish)
            history.note("restarted", instance: id)
        } catch {
            // Whoever wished it sees that it did not happen, and wishes again.
            let failure = InstanceFailure(error).message
            history.note("not restarted: \(failure)", instance: id)
            logger.warning(
                "instance not restarted",
                metadata: ["boathook.instance.id": "\(id)", "error": "\(failure)"])
        }
        await inventory.tell(wish.containerID)
    }

    private func tell(
        _ wish: InstanceOrder, _ phase: InstanceProgress.Phase, _ message: String,
        isStep: Bool = true
    ) async {
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
        } catch {
            // The next link brings the wish again if it matters.
            logger.debug("progress not told", metadata: ["error": "\(error)"])
        }
    }
}

extension RunSlots {
    /// Does `body` with a slot.
    func withSlot<Result: Sendable>(
        _ account: Account, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        let place = enqueue(account)
        do {
            try await place.ticket.wait()
            let result = try await body()
            leave(place)
            return result
        } catch {
            leave(place)
            throw error
        }
    }
}
