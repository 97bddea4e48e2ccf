internal import AgentLink
internal import ContainerEngine
internal import Logging
internal import NIOConcurrencyHelpers

/// How much the instances that this agent made have written, as the engine counts it now and then.
///
/// It counts file by file, and a tenant may have millions: one container at a time is counted, and one that took too
/// long is left alone for a while.
final class DiskMeter: Sendable {
    private enum Wish: Sendable {
        case all
        /// Soon: what it does first, it has done by then.
        case new(Container.ID)
        case one(Container.ID)
    }

    private struct Reading {
        var byteCount: Int64?
        /// When it may be counted again.
        var next: ContinuousClock.Instant
    }

    private let engine: any ContainerEngine
    private let adopted: AdoptedContainers
    private let logger: Logger
    private let readings: NIOLockedValueBox<[Container.ID: Reading]> = .init([:])
    private let wishes: AsyncStream<Wish>
    private let queue: AsyncStream<Wish>.Continuation
    /// Those whose first count is to come.
    private let awaited: NIOLockedValueBox<Set<Container.ID>> = .init([])

    init(engine: any ContainerEngine, adopted: AdoptedContainers, logger: Logger) {
        self.engine = engine
        self.adopted = adopted
        self.logger = logger
        (wishes, queue) = AsyncStream.makeStream(of: Wish.self)
    }

    /// Nil when it was not counted yet.
    func byteCount(of id: Container.ID) -> Int64? {
        readings.withLockedValue { $0[id]?.byteCount }
    }

    /// One that this agent made runs: it is counted soon if it was not yet.
    func notice(_ id: Container.ID) {
        guard byteCount(of: id) == nil, awaited.withLockedValue({ $0.insert(id).inserted }) else {
            return
        }
        queue.yield(.new(id))
    }

    /// Works until the task is cancelled.
    ///
    /// - Parameter changed: Called with a container of which another number is known than before.
    func run(changed: @Sendable (Container.ID) -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    self.queue.yield(.all)
                    try? await Task.sleep(for: Self.interval)
                }
            }
            for await wish in wishes {
                do {
                    switch wish {
                    case .all: try await look(changed: changed)
                    case .new(let id):
                        group.addTask {
                            try? await Task.sleep(for: Self.firstPause)
                            self.queue.yield(.one(id))
                        }
                    case .one(let id):
                        _ = awaited.withLockedValue { $0.remove(id) }
                        try await count(id, changed: changed)
                    }
                } catch {
                    if Task.isCancelled { return }
                    // The inventory says that the engine is away.
                    logger.debug("disk not measured", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    private func look(changed: @Sendable (Container.ID) -> Void) async throws {
        let made = try await engine.summaries(label: ContainerLabel.instanceID)
            .filter { adopted.identity(of: $0) != nil }.map(\.id)
        readings.withLockedValue { readings in
            readings = readings.filter { made.contains($0.key) }
        }
        for id in made { try await count(id, changed: changed) }
    }

    private func count(
        _ id: Container.ID, changed: @Sendable (Container.ID) -> Void
    ) async throws {
        let now = ContinuousClock.now
        guard readings.withLockedValue({ $0[id].map { $0.next <= now } ?? true }) else { return }
        let count: Int64?
        do {
            count = try await engine.writtenByteCount(of: id, patience: Self.patience)
        } catch {
            try Task.checkCancellation()
            readings.withLockedValue {
                $0[id, default: Reading(next: now)].next = now + Self.rest
            }
            return
        }
        let former = readings.withLockedValue { readings in
            let former = readings[id]?.byteCount
            readings[id] = Reading(byteCount: count, next: now + Self.interval / 2)
            return former
        }
        if count != former { changed(id) }
    }

    private static let interval = Duration.seconds(120)
    private static let firstPause = Duration.seconds(1)
    private static let patience = Duration.seconds(15)
    private static let rest = Duration.seconds(3600)
}
