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
        /// Everything, because something could not be told.
        case everythingAgain
        case container(Container.ID, action: String)
        /// A container as it is, and what is true of it then, for whoever waits for it to be told.
        case look(Container.ID, then: @Sendable () async -> Bool, Receipt)
        /// Whether the engine answers.
        case engine
    }

    private let engine: any ContainerEngine
    private let known: KnownContainers
    private let link: any ServerLink
    private let adopted: AdoptedContainers
    private let meter: DiskMeter
    private let logger: Logger
    private let changes: AsyncStream<Change>
    private let queue: AsyncStream<Change>.Continuation
    /// Containers of ours that ended because the engine was restarted.
    ///
    /// Whoever takes one says when it was started again, or will not be (``endRestart(of:)``).
    let endedByEngine: AsyncStream<(InstanceIdentity, Container.ID)>
    private let ends: AsyncStream<(InstanceIdentity, Container.ID)>.Continuation
    private let firstSync = FirstSync()
    private let lastReports: NIOLockedValueBox<[Container.ID: InstanceReport]> = .init([:])
    private let health = NIOLockedValueBox(EngineHealth())
    /// Those that are being started afresh.
    private let restarting: NIOLockedValueBox<Set<Container.ID>> = .init([])

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
        (endedByEngine, ends) = AsyncStream.makeStream()
    }

    /// Everything is to be told again.
    func resync() {
        queue.yield(.everything)
    }

    /// Tells of one container as it is now, after all that was seen before.
    ///
    /// - Parameters:
    ///   - id: The container.
    ///   - then: Tells the server what is true while the container is there, and says whether it has taken it. If the
    ///     container goes now, the server hears of that afterwards.
    /// - Returns: Whether the server has taken both, or has heard that the container is gone.
    func tell(
        _ id: Container.ID, then: @escaping @Sendable () async -> Bool = { true }
    ) async -> Receipt.Answer {
        let receipt = Receipt()
        queue.yield(.look(id, then: then, receipt))
        return await receipt.wait()
    }

    /// Somebody asked the engine something that it answers at any time.
    func engineWasAsked(_ hasAnswered: Bool) {
        if health.withLockedValue({ $0.wasAsked(hasAnswered) }) { tellEngine() }
    }

    /// Does `body`; while it is done, the container has not ended, whatever its engine says.
    func whileRestarting(
        _ id: Container.ID, _ body: @Sendable () async throws -> Void
    ) async throws {
        _ = restarting.withLockedValue { $0.insert(id) }
        defer { _ = restarting.withLockedValue { $0.remove(id) } }
        try await body()
    }

    /// A container that was ended by the engine is as its engine says from now on.
    func endRestart(of id: Container.ID) {
        _ = restarting.withLockedValue { $0.remove(id) }
        lookAgain(at: id)
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
        var end: EngineEnd?
        var lost: Set<Container.ID> = []
        while !Task.isCancelled {
            do {
                // The stream is open before everything is looked at, so that nothing falls between.
                let events = try await engine.events()
                end = EngineEnd(running: try await findEnded(among: lost))
                lost = []
                let isBack = health.withLockedValue { $0.streamOpened() }
                resync()
                // The server is to know how its containers are before it shows them.
                if isBack { queue.yield(.engine) }
                pause = .milliseconds(100)
                for try await event in events where Self.matters(event.action) {
                    known.forget(event.containerID)
                    end?.take(event.action, of: event.containerID, at: .now)
                    queue.yield(.container(event.containerID, action: event.action))
                }
            } catch {
                lost.formUnion(end?.containers(at: .now) ?? [])
                end = nil
                known.forgetAll()
                if Task.isCancelled { return }
                logger.warning("engine not reachable", metadata: ["error": "\(error)"])
                if health.withLockedValue({ $0.streamBroke(at: .now) }) { queue.yield(.engine) }
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(2))
        }
    }

    /// Finds out what has become of containers that ran when the engine went away.
    ///
    /// - Returns: Those that run now.
    private func findEnded(among lost: Set<Container.ID>) async throws -> [Container.ID] {
        let containers = try await engine.summaries(label: ContainerLabel.instanceID)
        // Podman's service is not what its containers run under.
        if !lost.isEmpty, try await !engine.information().isPodman {
            for container in containers
            where lost.contains(container.id) && container.status == "exited" {
                guard let identity = adopted.identity(of: container) else { continue }
                _ = restarting.withLockedValue { $0.insert(container.id) }
                ends.yield((identity, container.id))
            }
        }
        return containers.filter { ["running", "paused"].contains($0.status) }.map(\.id)
    }

    private func tellEngine() {
        if !health.withLockedValue({ $0.isAway }) { resync() }
        queue.yield(.engine)
    }

    private func tell() async {
        await withDiscardingTaskGroup { group in
            var pause = Self.shortestPause
            var isToComeAgain = false
            for await change in changes {
                if case .everythingAgain = change { isToComeAgain = false }
                do {
                    try await tell(change)
                    if case .everythingAgain = change { pause = Self.shortestPause }
                } catch {
                    if Task.isCancelled { return }
                    // The server's disk is full, or the engine busy: the link, which would tell everything, may stand
                    // for weeks.
                    logger.debug("inventory not told", metadata: ["error": "\(error)"])
                    if !isToComeAgain {
                        isToComeAgain = true
                        group.addTask { [pause, queue] in
                            try? await Task.sleep(for: pause)
                            queue.yield(.everythingAgain)
                        }
                        pause = min(pause * 2, Self.longestPause)
                    }
                }
            }
        }
    }

    private func tell(_ change: Change) async throws {
        switch change {
        case .everything, .everythingAgain:
            guard !health.withLockedValue({ $0.isAway }) else { return try await sendEngine() }
            try await link.send(.inventory(try await reports()))
            firstSync.happened()
        case .container(let id, let action):
            _ = try await tell(id, action)
        case .look(let id, let then, let receipt):
            do {
                guard try await tell(id, "look") else { return receipt.end(.gone) }
                receipt.end(await then() ? .told : .failed)
            } catch {
                receipt.end(.failed)
                throw error
            }
        case .engine:
            try await sendEngine()
        }
    }

    private func sendEngine() async throws {
        try await link.send(.engine(isAvailable: !health.withLockedValue { $0.isAway }))
    }

    /// - Returns: Whether there is such a container.
    private func tell(_ id: Container.ID, _ action: String) async throws -> Bool {
        guard action != "destroy", action != "remove",
            let container = try await engine.inspect(id, patience: Self.patience)
        else {
            _ = lastReports.withLockedValue { $0.removeValue(forKey: id) }
            try await link.send(.instanceRemoved(containerID: id))
            return false
        }
        guard let report = report(container) else { return true }
        known.keep(container)
        lastReports.withLockedValue { $0[id] = report }
        try await link.send(.instanceChanged(report))
        return true
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
            return asItIsToBe(report)
        }
    }

    private func report(_ container: Container) -> InstanceReport? {
        guard var report = adopted.report(container) else { return nil }
        report.writtenBytes = meter.byteCount(of: container.id)
        if report.instanceID != nil, report.status == "running" { meter.notice(container.id) }
        return asItIsToBe(report)
    }

    /// Callers take `exited` for the end (contract 3.4), and a restart is none.
    private func asItIsToBe(_ report: InstanceReport) -> InstanceReport {
        guard report.status == "exited",
            restarting.withLockedValue({ $0.contains(report.containerID) })
        else { return report }
        var report = report
        (report.status, report.statusMessage) = ("rebooting", nil)
        return report
    }

    private static let patience = Duration.seconds(2)
    private static let shortestPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(30)

    /// Executions and the like happen inside; they change nothing that is told.
    ///
    /// Nor does what a container can bring about as often as it likes: the state of its health, and that the kernel has
    /// ended one of its processes.
    static func matters(_ action: String) -> Bool {
        let unimportant = [
            "top", "attach", "resize", "archive-path", "extract-to-dir", "export", "copy", "mount",
            "unmount", "oom",
        ]
        return !["exec_", "health_status"].contains(where: action.hasPrefix)
            && !unimportant.contains(action)
    }
}
