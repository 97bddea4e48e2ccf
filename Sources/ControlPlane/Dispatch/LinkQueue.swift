internal import AgentLink
internal import NIOConcurrencyHelpers

/// What waits to be said on one link, for the one who reads it.
///
/// A machine is not trusted to read (security.md, P30), and much of what it tells has an answer. So nothing waits
/// twice: what is news of the same thing takes the place of what waits, and of instances their ids alone wait.
final class LinkQueue: Sendable {
    /// What a message is about.
    fileprivate enum Subject: Hashable, Sendable {
        case instance(Int64)
        case restart(Int64)
        case command(Int64)
        case cancellation(Int64)
        case output(String)
        case welcome, heartbeat
    }

    fileprivate enum Item: Sendable {
        case message(ServerMessage)
        /// How the instance is wished when this is read.
        case wish(Instance.ID)
    }

    fileprivate enum End: Sendable {
        case afterAll, atOnce
    }

    fileprivate struct State {
        /// From `first` on, those that wait, in order; of some there may be nothing to say any more.
        var subjects: [Subject] = []
        var first = 0
        var items: [Subject: Item] = [:]
        var reader: CheckedContinuation<Item?, Never>?
        var end: End?
        /// Since when the first one waits.
        var waitsSince = ContinuousClock.now
    }

    private let state = NIOLockedValueBox(State())
    private let order: @Sendable (Instance.ID) async throws -> InstanceOrder?
    private let onEnd: @Sendable () -> Void
    private let cuts: AsyncStream<Never>
    private let cutter: AsyncStream<Never>.Continuation

    /// - Parameters:
    ///   - order: How an instance is wished now; nil for one of which nothing is.
    ///   - onEnd: Called once, when nothing more is taken.
    init(
        order: @escaping @Sendable (Instance.ID) async throws -> InstanceOrder?,
        onEnd: @escaping @Sendable () -> Void
    ) {
        self.order = order
        self.onEnd = onEnd
        (cuts, cutter) = AsyncStream.makeStream()
    }

    /// How many messages wait.
    var count: Int { state.withLockedValue { $0.items.count } }

    /// Adds a message; returns whether there is room for another one.
    func put(_ message: ServerMessage) -> Bool {
        put(.message(message), about: Self.subject(of: message))
    }

    /// Adds how the instance is wished; returns whether there is room for another one.
    func putWish(for id: Instance.ID) -> Bool { put(.wish(id), about: .instance(id)) }

    /// Of a command that has ended nothing is to be said.
    func drop(_ command: Command.ID) {
        state.withLockedValue { state in
            for subject in [Subject.command(command), .cancellation(command)] {
                state.items[subject] = nil
            }
        }
    }

    /// Takes nothing more; what waits is still to be read.
    func finish() { end(.afterAll) }

    /// Takes nothing more, and nothing more is read.
    func cut() { end(.atOnce) }

    /// Returns when this was cut: true; or when the task is cancelled: false.
    func waitUntilCut() async -> Bool {
        for await _ in cuts {}
        return !Task.isCancelled
    }

    /// Whether something has waited for longer than that: nobody reads.
    func isStalled(for time: Duration) -> Bool {
        state.withLockedValue { !$0.items.isEmpty && $0.waitsSince.duration(to: .now) > time }
    }

    /// The next message, once there is one; nil when there is no more.
    ///
    /// The end of the task that waits is the end of the link.
    func next() async -> ServerMessage? {
        while let item = await take() {
            switch item {
            case .message(let message): return message
            case .wish(let id):
                do {
                    if let order = try await order(id) { return .wantInstance(order) }
                } catch {
                    // The next link is told of all wishes.
                    cut()
                    return nil
                }
            }
        }
        return nil
    }

    private func put(_ item: Item, about subject: Subject) -> Bool {
        let (reader, hasRoom) = state.withLockedValue { state in
            guard state.end == nil else {
                return (CheckedContinuation<Item?, Never>?.none, true)
            }
            if let reader = state.reader {
                state.reader = nil
                return (reader, true)
            }
            if state.items.isEmpty { state.waitsSince = .now }
            if state.items.updateValue(item, forKey: subject) == nil {
                state.subjects.append(subject)
            }
            return (nil, state.subjects.count - state.first < Self.maximumCount)
        }
        reader?.resume(returning: item)
        return hasRoom
    }

    private func take() async -> Item? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let taken: Item?? = state.withLockedValue { state in
                    if let item = state.takeFirst() { return .some(item) }
                    if state.end != nil { return .some(nil) }
                    precondition(state.reader == nil, "a link has one reader")
                    state.reader = continuation
                    return nil
                }
                if let taken { continuation.resume(returning: taken) }
            }
        } onCancel: {
            cut()
        }
    }

    private func end(_ end: End) {
        let (reader, isFirst) = state.withLockedValue { state in
            let isFirst = state.end == nil
            if state.end != .atOnce { state.end = end }
            if end == .atOnce { (state.subjects, state.first, state.items) = ([], 0, [:]) }
            defer { state.reader = nil }
            return (state.reader, isFirst)
        }
        reader?.resume(returning: nil)
        if end == .atOnce { cutter.finish() }
        if isFirst { onEnd() }
    }

    private static func subject(of message: ServerMessage) -> Subject {
        switch message {
        case .welcome: .welcome
        case .runCommand(let order): .command(order.commandID)
        case .cancelCommand(let wish): .cancellation(wish.commandID)
        case .sendOutput(let wish): .output(wish.relayID)
        case .wantInstance(let order): .instance(order.instanceID)
        case .restartInstance(let order): .restart(order.instanceID)
        case .heartbeat: .heartbeat
        }
    }

    /// More than any link has at its beginning: as many commands as may be open for a machine (``QueueBounds``), each
    /// with a wish to cancel it, and as many instances as a machine may have.
    static let maximumCount = 1 << 15
}

extension LinkQueue.State {
    /// The one that waits longest.
    fileprivate mutating func takeFirst() -> LinkQueue.Item? {
        while first < subjects.count {
            let item = items.removeValue(forKey: subjects[first])
            first += 1
            // Now and then, so that this costs no more than the messages do.
            if first * 2 > subjects.count {
                subjects.removeFirst(first)
                first = 0
            }
            guard let item else { continue }
            waitsSince = .now
            return item
        }
        return nil
    }
}
