internal import ContainerEngine

/// Tells containers that ended because their engine did from those whose own program had ended, by the engine's events.
///
/// A Docker that ends asks its containers to end first, and tells it as if somebody had stopped them: `kill`, `die`; then
/// its stream of events ends (seen with 20.10.24). A program that ends by itself is a `die` alone. A Docker that is
/// killed tells nothing.
struct EngineEnd: Sendable {
    private var running: Set<Container.ID>
    /// When they were told to end, and when they did.
    private var killed: [Container.ID: ContinuousClock.Instant] = [:]
    private var ended: [Container.ID: ContinuousClock.Instant] = [:]

    /// - Parameter running: Those that run, looked for when the stream was open.
    init(running: some Sequence<Container.ID>) {
        self.running = Set(running)
    }

    /// Takes an event.
    ///
    /// - Parameters:
    ///   - action: The engine's word.
    ///   - id: The container.
    ///   - now: When it was told.
    mutating func take(
        _ action: String, of id: Container.ID, at now: ContinuousClock.Instant
    ) {
        switch action {
        case "start":
            forget(id)
            running.insert(id)
        case "kill":
            if running.contains(id) { killed[id] = now }
        case "die":
            let wasKilled = killed[id].map { now - $0 <= Self.patience } ?? false
            forget(id)
            if wasKilled { ended[id] = now }
        case "destroy": forget(id)
        default: break
        }
    }

    private mutating func forget(_ id: Container.ID) {
        running.remove(id)
        killed[id] = nil
        ended[id] = nil
    }

    /// - Parameter now: When the stream ended.
    /// - Returns: Those that do not run any more because of that, unless the engine has kept them running.
    func containers(at now: ContinuousClock.Instant) -> Set<Container.ID> {
        running.union(ended.filter { now - $0.value <= Self.patience }.keys)
    }

    /// Longer than Docker waits for its containers before it ends (15 s unless set otherwise).
    private static let patience = Duration.seconds(60)
}
