internal import AgentLink
internal import ContainerEngine
internal import Logging
internal import NIOConcurrencyHelpers

/// How much the instances that this agent made have written, as the engine counts it now and then.
///
/// It counts file by file, and a tenant may have millions: one container at a time is counted, and one that took too
/// long is left alone for a while.
final class DiskMeter: Sendable {
    private struct Reading {
        var byteCount: Int64?
        /// When it may be counted again.
        var next: ContinuousClock.Instant
    }

    private let engine: any ContainerEngine
    private let adopted: AdoptedContainers
    private let logger: Logger
    private let readings: NIOLockedValueBox<[Container.ID: Reading]> = .init([:])

    init(engine: any ContainerEngine, adopted: AdoptedContainers, logger: Logger) {
        self.engine = engine
        self.adopted = adopted
        self.logger = logger
    }

    /// Nil when it was not counted yet.
    func byteCount(of id: Container.ID) -> Int64? {
        readings.withLockedValue { $0[id]?.byteCount }
    }

    /// Works until the task is cancelled.
    ///
    /// - Parameter changed: Called with a container of which another number is known than before.
    func run(changed: @Sendable (Container.ID) -> Void) async {
        while !Task.isCancelled {
            do {
                try await look(changed: changed)
            } catch {
                // The inventory says that the engine is away.
                logger.debug("disk not measured", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: Self.interval)
        }
    }

    private func look(changed: @Sendable (Container.ID) -> Void) async throws {
        let made = try await engine.summaries(label: ContainerLabel.instanceID)
            .filter { adopted.identity(of: $0) != nil }.map(\.id)
        readings.withLockedValue { readings in
            readings = readings.filter { made.contains($0.key) }
        }
        for id in made {
            let now = ContinuousClock.now
            guard readings.withLockedValue({ $0[id].map { $0.next <= now } ?? true }) else {
                continue
            }
            let count: Int64?
            do {
                count = try await engine.writtenByteCount(of: id, patience: Self.patience)
            } catch {
                try Task.checkCancellation()
                readings.withLockedValue {
                    $0[id, default: Reading(next: now)].next = now + Self.rest
                }
                continue
            }
            let former = readings.withLockedValue { readings in
                let former = readings[id]?.byteCount
                readings[id] = Reading(byteCount: count, next: now + Self.interval / 2)
                return former
            }
            if count != former { changed(id) }
        }
    }

    private static let interval = Duration.seconds(120)
    private static let patience = Duration.seconds(15)
    private static let rest = Duration.seconds(3600)
}
