internal import AgentLink
internal import ContainerEngine
internal import Logging
internal import NIOConcurrencyHelpers

/// Which containers this machine has as instances, told to the server as it changes.
///
/// One consumer does all telling, so that what was seen first is told first. After each reconnection,
/// of either side, everything is told anew: nothing that was missed stays wrong.
final class Inventory: Sendable {
    private enum Change: Sendable {
        case everything
        case container(Container.ID, action: String)
        /// Tells whoever waits that all before it was told.
        case mark(FirstSync)
    }

    private let engine: any ContainerEngine
    private let known: KnownContainers
    private let link: any ServerLink
    private let adopted: AdoptedContainers
    private let meter: DiskMeter
    private let logger: Logger
    private let changes: AsyncStream<Change>
    private let queue: AsyncStream<Change>.Continuation
    private let firstSync = FirstSync()
    private let lastReports: NIOLockedValueBox<[Container.ID: InstanceReport]> = .init([:])

    init(
        engine: any ContainerEngine, known: KnownContainers, link: any ServerLink,
        adopted: AdoptedContainers, meter: DiskMeter, logger: Logger
    ) {
        self.engine = engine
        self.known = known
        self.link = link
        self.adopted = adopted
        self.meter = meter
        self.logger = logger
        (changes, queue) = AsyncStream.makeStream(of: Change.self)
    }

    /// Everything is to be told again.
    func resync() {
        queue.yield(.everything)
    }

    /// Tells of one container as it is now; returns when that is done, or was tried.
    func tell(_ id: Container.ID) async {
        let mark = FirstSync()
        queue.yield(.container(id, action: "look"))
        queue.yield(.mark(mark))
        await mark.wait()
    }

    /// Something about it that the engine does not tell by an event has changed.
    func lookAgain(at id: Container.ID) {
        queue.yield(.container(id, action: "look"))
    }

    /// Returns once the server has been told everything for the first time.
    func waitForFirstSync() async {
        await firstSync.wait()
    }

    /// Works until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.watch() }
            group.addTask { await self.tell() }
        }
    }

    /// Follows the engine; comes back to it when it went away.
    private func watch() async {
        var pause = Duration.milliseconds(100)
        while !Task.isCancelled {
            do {
                // The stream is open before everything is looked at, so that nothing falls between.
                let events = try await engine.events()
                resync()
                pause = .milliseconds(100)
                for try await event in events where Self.matters(event.action) {
                    known.forget(event.containerID)
                    queue.yield(.container(event.containerID, action: event.action))
                }
            } catch {
                known.forgetAll()
                if Task.isCancelled { return }
                logger.warning("engine not reachable", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(2))
        }
    }

    private func tell() async {
        for await change in changes {
            do {
                switch change {
                case .everything:
                    try await link.send(.inventory(try await reports()))
                    firstSync.happened()
                case .container(let id, let action):
                    try await tell(id, action)
                case .mark(let mark):
                    mark.happened()
                }
            } catch {
                // The link's next opening, or the engine's, tells everything.
                logger.debug("inventory not told", metadata: ["error": "\(error)"])
            }
            if Task.isCancelled { return }
        }
    }

    private func tell(_ id: Container.ID, _ action: String) async throws {
        guard action != "destroy", action != "remove",
            let container = try await engine.inspect(id, patience: Self.patience)
        else {
            try await link.send(.instanceRemoved(containerID: id))
            return
        }
        guard let report = report(container) else { return }
        known.keep(container)
        lastReports.withLockedValue { $0[id] = report }
        try await link.send(.instanceChanged(report))
    }

    private func reports() async throws -> [InstanceReport] {
        let reports = try await withThrowingTaskGroup(of: InstanceReport?.self) { group in
            for id in try await engine.containers(label: adopted.adoption.listLabel) {
                group.addTask { try await self.report(id) }
            }
            return try await group.reduce(into: [InstanceReport]()) { reports, report in
                if let report { reports.append(report) }
            }
        }
        lastReports.withLockedValue {
            $0 = Dictionary(reports.map { ($0.containerID, $0) }) { first, _ in first }
        }
        return reports.sorted { $0.createdAt < $1.createdAt }
    }

    /// One container.
    ///
    /// While the engine is busy with it, which a tenant can bring about, what was last known of it
    /// is told, with the state that can be had: the others do not wait.
    private func report(_ id: Container.ID) async throws -> InstanceReport? {
        do {
            guard let container = try await engine.inspect(id, patience: Self.patience) else {
                return nil
            }
            known.keep(container)
            return report(container)
        } catch {
            guard let summary = try await engine.summary(of: id) else { return nil }
            guard var report = lastReports.withLockedValue({ $0[id] }) else {
                return report(summary)
            }
            report.status = Adoption.status(summary.status)
            return report
        }
    }

    private func report(_ container: Container) -> InstanceReport? {
        var report = adopted.report(container)
        report?.writtenBytes = meter.byteCount(of: container.id)
        return report
    }

    private static let patience = Duration.seconds(2)

    /// Executions and the like happen inside; they change nothing that is told.
    private static func matters(_ action: String) -> Bool {
        let unimportant = [
            "top", "attach", "resize", "archive-path", "extract-to-dir", "export", "copy", "mount",
            "unmount",
        ]
        return !action.hasPrefix("exec_") && !unimportant.contains(action)
    }
}

/// Opens once.
private final class FirstSync: Sendable {
    private let (opening, opened) = AsyncStream.makeStream(of: Void.self)

    func happened() {
        opened.finish()
    }

    /// Returns when it has happened, or the task was cancelled; for one who waits.
    func wait() async {
        for await _ in opening {}
    }
}
