package import AgentLink
internal import CommandPolicy
internal import FaultPoints
package import Logging
internal import NIOConcurrencyHelpers
internal import ServiceLifecycle

/// Brings commands to the machines that are connected.
///
/// Holds the open end of each machine's link. What it sends is in the store before; so a link that
/// breaks loses nothing, and the next one is sent all that the agent does not hold.
package final class Dispatcher: Service {
    private struct Link {
        var id: UInt64
        var messages: LinkQueue
        /// Orders that came while older ones are still being sent; nil when all of them were.
        var backlog: [ServerMessage]? = []
        var hasEngine = true
    }

    private struct State {
        var links: [Machine.ID: Link] = [:]
        var lastLinkID: UInt64 = 0
    }

    private let state = NIOLockedValueBox(State())
    private let commands: any CommandStore
    private let switches: SwitchBoard
    private let outputLimit: Int64
    private let time: WallTime
    private let logger: Logger

    /// - Parameters:
    ///   - commands: Where open commands are.
    ///   - switches: What the operator has switched off.
    ///   - outputLimit: The most bytes of output that are kept of a command.
    ///   - time: The clock.
    ///   - logger: The process's.
    package init(
        commands: any CommandStore, switches: SwitchBoard, outputLimit: Int64, time: WallTime,
        logger: Logger
    ) {
        self.commands = commands
        self.switches = switches
        self.outputLimit = outputLimit
        self.time = time
        self.logger = logger
    }

    /// Whether the machine's link is open now.
    package func isConnected(_ machine: Machine.ID) -> Bool {
        state.withLockedValue { $0.links[machine] != nil }
    }

    /// How much of the machine can be reached now.
    package func reach(_ machine: Machine.ID) -> MachineReach {
        state.withLockedValue { state in
            guard let link = state.links[machine] else { return .none }
            return link.hasEngine ? .full : .withoutEngine
        }
    }

    /// Takes the machine's word on its container engine, which counts for as long as its link is open.
    package func setEngine(isAvailable: Bool, of machine: Machine.ID) {
        state.withLockedValue { $0.links[machine]?.hasEngine = isAvailable }
    }

    /// Opens a machine's link; an older one of the same machine ends.
    ///
    /// - Parameters:
    ///   - machine: Whose link it is.
    ///   - held: Commands that the agent knows; all other open ones are sent.
    ///   - order: How an instance is wished; nil for one of which nothing is.
    /// - Returns: The messages for the agent. The link closes when they are dropped.
    /// - Throws: What the store throws; the link is closed then.
    package func attach(
        _ machine: Machine.ID, held: Set<Command.ID>,
        order: @escaping @Sendable (Int64) async throws -> InstanceOrder?
    ) async throws -> LinkMessages {
        let (queue, older) = state.withLockedValue { state in
            state.lastLinkID += 1
            let linkID = state.lastLinkID
            let older = state.links[machine]
            let queue = LinkQueue(order: order) { [weak self] in
                self?.detach(machine, link: linkID)
            }
            state.links[machine] = Link(id: linkID, messages: queue)
            return (queue, older)
        }
        // Who reads it may be blocked: the agent need not take what it asked for.
        older?.messages.cut()
        let messages = LinkMessages(queue)
        _ = queue.put(
            .welcome(
                Welcome(
                    protocolVersion: LinkProtocol.version, machineID: machine,
                    silenceSeconds: LinkProtocol.silenceSeconds)))
        do {
            for command in try await commands.openCommands(machine: machine) {
                if !held.contains(command.id) {
                    try await resume(command, on: queue)
                    FaultPoint.orderResumed.reached()
                } else if command.cancelRequestedAt != nil {
                    // The wish may have come while no link was open.
                    _ = queue.put(.cancelCommand(CancelCommand(commandID: command.id)))
                }
            }
        } catch {
            queue.cut()
            throw error
        }
        // Now what was accepted meanwhile: orders for one instance go out in the order of their acceptance.
        state.withLockedValue { state in
            guard state.links[machine]?.messages === queue else { return }
            for order in state.links[machine]?.backlog ?? [] { _ = queue.put(order) }
            state.links[machine]?.backlog = nil
        }
        return messages
    }

    /// Sends a command that the store has as dispatched.
    ///
    /// When the link broke meanwhile, the next one sends it.
    package func dispatch(_ command: Command) {
        send(message(for: command), to: command.machineID)
    }

    /// Passes a wish to cancel on; returns whether the machine is connected.
    package func cancel(_ command: Command) -> Bool {
        send(.cancelCommand(CancelCommand(commandID: command.id)), to: command.machineID)
    }

    /// Asks the machine to send what a command writes; returns whether it is connected.
    package func askForOutput(_ wish: SendOutput, of machine: Machine.ID) -> Bool {
        send(.sendOutput(wish), to: machine)
    }

    /// Tells the machine how an instance is wished when it comes to hear of it; returns whether it is connected.
    @discardableResult
    func tellWish(for instance: Instance.ID, to machine: Machine.ID) -> Bool {
        send(to: machine) { $0.messages.putWish(for: instance) }
    }

    /// Tells the machine how a container is to be; returns whether it is connected.
    @discardableResult
    func want(_ order: InstanceOrder, on machine: Machine.ID) -> Bool {
        send(.wantInstance(order), to: machine)
    }

    /// A command of the machine has ended: what it was not told yet of it, it need not be told.
    func drop(_ command: Command.ID, of machine: Machine.ID) {
        state.withLockedValue { $0.links[machine]?.messages }?.drop(command)
    }

    /// Has the machine start a container afresh; returns whether it is connected.
    package func restart(_ order: RestartInstance, on machine: Machine.ID) -> Bool {
        send(.restartInstance(order), to: machine)
    }

    /// Ends the machine's link, if one is open; what it was not told yet, it is not told.
    func end(_ machine: Machine.ID) {
        state.withLockedValue { $0.links[machine]?.messages }?.cut()
    }

    /// Keeps every line alive until the service is to stop, but for those that nobody reads; then ends all of them.
    ///
    /// Agents come back by themselves.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(LinkProtocol.heartbeatSeconds))
                self.keepAlive(silence: .seconds(LinkProtocol.silenceSeconds))
            }
        }
        detachAll()
    }

    /// Gives each line a sign of life; ends those on which something has waited for longer than `silence`.
    package func keepAlive(silence: Duration) {
        for (machine, link) in state.withLockedValue({ $0.links }) {
            // Until all that is open was put there, nobody reads.
            let isStalled = link.backlog == nil && link.messages.isStalled(for: silence)
            if isStalled || !link.messages.put(.heartbeat) { cut(link, of: machine) }
        }
    }

    private func cut(_ link: Link, of machine: Machine.ID) {
        logger.warning(
            "link ended: its agent does not read", metadata: ["boathook.machine.id": "\(machine)"])
        link.messages.cut()
    }

    private func detachAll() {
        let links = state.withLockedValue { state in
            defer { state.links = [:] }
            return state.links.values
        }
        for link in links { link.messages.finish() }
    }

    @discardableResult
    private func send(_ message: ServerMessage, to machine: Machine.ID) -> Bool {
        send(to: machine) { link in
            if case .runCommand = message, link.backlog != nil {
                link.backlog?.append(message)
                return true
            }
            return link.messages.put(message)
        }
    }

    /// Returns whether the machine is connected; ends its link when `put` says that no more fits.
    private func send(to machine: Machine.ID, _ put: (inout Link) -> Bool) -> Bool {
        let link: (Link, hasRoom: Bool)? = state.withLockedValue { state in
            // In its place: what it holds back may be long.
            guard let index = state.links.index(forKey: machine) else { return nil }
            let hasRoom = put(&state.links.values[index])
            return (state.links.values[index], hasRoom)
        }
        guard let (link, hasRoom) = link else { return false }
        // The next link begins with all that is open.
        if !hasRoom { cut(link, of: machine) }
        return hasRoom
    }

    /// Sends an open command again, or for the first time; what waits in the queue is first written
    /// down as dispatched, so that it cannot expire while it runs.
    private func resume(_ command: Command, on link: LinkQueue) async throws {
        switch command.state {
        case .queued:
            // The board ends it in the look that has found the switch.
            guard
                switches.switchedOff(
                    program: command.decision.argv.first, instance: command.instanceID,
                    machine: command.machineID) == nil
            else { return }
            let advanced = try await commands.advance(command.id, to: .dispatched, startedAt: nil)
            // Sent also when another link moved it on: that one may be dead, and still at this very work.
            guard let advanced, !advanced.command.state.isTerminal else { return }
            _ = link.put(message(for: advanced.command))
        case .dispatched, .running:
            // An agent that does not hold it has not started it, or lost its journal; the journal is
            // what decides there about a second start.
            _ = link.put(message(for: command))
        default:
            return
        }
    }

    private func message(for command: Command) -> ServerMessage {
        let remaining = max(0, command.startBy - time.steady())
        return .runCommand(
            RunCommand(
                commandID: command.id, containerID: command.containerID,
                command: command.text, argv: command.decision.argv, policy: command.decision.policy,
                writes: command.decision.writes, backend: command.decision.backend,
                view: command.decision.view, paths: command.decision.paths,
                protected: command.decision.protected,
                attachesVolumes: command.decision.attachesVolumes,
                limits: command.decision.limits ?? CommandLimits(),
                timeoutMilliseconds: command.timeoutSeconds * 1000,
                startWithinMilliseconds: Int(remaining * 1000), outputLimit: outputLimit,
                accountID: command.accountID, removal: command.removalOrder,
                isCancelled: command.cancelRequestedAt != nil))
    }

    private func detach(_ machine: Machine.ID, link id: UInt64) {
        let wasCurrent = state.withLockedValue { state in
            guard state.links[machine]?.id == id else { return false }
            state.links[machine] = nil
            return true
        }
        if wasCurrent {
            logger.info("link closed", metadata: ["boathook.machine.id": "\(machine)"])
        }
    }
}
