internal import Jail

/// When a command's turn comes: first on its instance, then on this machine.
struct CommandTurns: Sendable {
    private let locks = InstanceLocks()
    private let slots: RunSlots

    /// - Parameters:
    ///   - concurrency: How many tools run at once.
    ///   - share: How many of one account; nil for all but one.
    init(concurrency: Int, share: Int? = nil) {
        slots = RunSlots(count: concurrency, share: share)
    }

    /// Why a command did not get its turn.
    enum Missed: Error, Sendable, Hashable {
        case cancelled
        case overdue
    }

    /// Takes the next place in the instance's line; commands are served in the order of these calls.
    ///
    /// Each place must come to ``withTurn(at:account:cancellation:deadline:_:)``.
    func enqueue(_ container: String, writes: Bool) async -> InstanceLocks.Place {
        await locks.enqueue(container, writes ? .exclusive : .shared)
    }

    /// Does `body` in the command's turn, and gives the place up.
    ///
    /// The wait ends at once when the command is cancelled or its start is overdue; `body` sees to the
    /// rest itself.
    ///
    /// - Throws: ``Missed``; `CancellationError` when the agent stops; what `body` throws.
    func withTurn<Result: Sendable>(
        at place: InstanceLocks.Place, account: RunSlots.Account, cancellation: JailCancellation,
        deadline: ContinuousClock.Instant, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        do {
            let slot = try await slot(at: place, account, cancellation, deadline)
            do {
                let result = try await body()
                await slots.leave(slot)
                await locks.leave(place)
                return result
            } catch {
                await slots.leave(slot)
                throw error
            }
        } catch {
            await locks.leave(place)
            throw error
        }
    }

    /// Does `body` while no command that changes the instance's files runs; those that read them may.
    ///
    /// For what the engine does with a container; no slot is taken.
    ///
    /// - Parameters:
    ///   - container: The container.
    ///   - deadline: Until when to wait for a command that does.
    ///   - wanted: Ends the wait when it is cancelled.
    ///   - insists: Whether to do it at the deadline all the same.
    ///   - body: What to do.
    /// - Returns: What `body` returns.
    /// - Throws: ``Missed``; `CancellationError` when the agent stops; what `body` throws.
    func withStillFiles<Result: Sendable>(
        of container: String, until deadline: ContinuousClock.Instant, wanted: JailCancellation,
        insists: Bool, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        let place = await locks.enqueue(container, .shared)
        do {
            do {
                try await wait(for: place, until: deadline, wanted)
            } catch Missed.overdue where insists {
                // Whoever wishes it loses nothing by it but what the command would still have changed.
            }
            let result = try await body()
            await locks.leave(place)
            return result
        } catch {
            await locks.leave(place)
            throw error
        }
    }

    private func wait(
        for place: InstanceLocks.Place, until deadline: ContinuousClock.Instant,
        _ wanted: JailCancellation
    ) async throws {
        let missed = try await withThrowingTaskGroup(of: Missed?.self) { group in
            group.addTask {
                try await place.ticket.wait()
                return nil
            }
            group.addTask {
                await wanted.waitUntilCancelled()
                return .cancelled
            }
            group.addTask {
                try await Task.sleep(until: deadline, clock: .continuous)
                return .overdue
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        try Task.checkCancellation()
        if let missed { throw missed }
    }

    private enum Event: Sendable {
        case slot(RunSlots.Place)
        case missed(Missed)
        case stopped
    }

    private func slot(
        at place: InstanceLocks.Place, _ account: RunSlots.Account,
        _ cancellation: JailCancellation, _ deadline: ContinuousClock.Instant
    ) async throws -> RunSlots.Place {
        let first = await withTaskGroup(of: Event.self) { group in
            group.addTask { await waitForSlot(at: place, account) }
            group.addTask {
                await cancellation.waitUntilCancelled()
                return Task.isCancelled ? .stopped : .missed(.cancelled)
            }
            group.addTask {
                try? await Task.sleep(until: deadline, clock: .continuous)
                return Task.isCancelled ? .stopped : .missed(.overdue)
            }
            let first = await group.next() ?? .stopped
            group.cancelAll()
            // A slot that came too late is given back.
            for await case .slot(let slot) in group { await slots.leave(slot) }
            return first
        }
        switch first {
        case .slot(let slot): return slot
        case .missed(let reason): throw reason
        case .stopped: throw CancellationError()
        }
    }

    private func waitForSlot(
        at place: InstanceLocks.Place, _ account: RunSlots.Account
    ) async -> Event {
        guard (try? await place.ticket.wait()) != nil else { return .stopped }
        let slot = await slots.enqueue(account)
        guard (try? await slot.ticket.wait()) != nil else {
            await slots.leave(slot)
            return .stopped
        }
        return .slot(slot)
    }
}
