internal import AgentLink
internal import FaultPoints

/// A caller wants a command to end.
package struct RequestCancellation: Sendable {
    private let commands: CommandAccess
    private let store: any CommandStore & AuditLog
    private let dispatcher: Dispatcher
    private let bell: CompletionBell
    private let time: WallTime

    package init(
        commands: CommandAccess, store: any CommandStore & AuditLog, dispatcher: Dispatcher,
        bell: CompletionBell, time: WallTime
    ) {
        self.commands = commands
        self.store = store
        self.dispatcher = dispatcher
        self.bell = bell
        self.time = time
    }

    /// What a wish to cancel met.
    package struct Met: Sendable, Hashable {
        /// The state that the command was in.
        package var state: CommandState
        /// Whether its machine was told at once; one that is away is told when it comes back.
        package var isPassedOn: Bool
    }

    /// Ends a queued command here; keeps the wish, and passes it on, for one that a machine has.
    package func callAsFunction(_ id: Command.ID, as principal: Principal) async throws -> Met {
        var command = try await commands.command(id, as: principal)
        guard !command.state.isTerminal else { return Met(state: command.state, isPassedOn: true) }
        try await store.append(
            AuditEntry(
                time: time.now(), event: .commandCancelled, accountID: principal.account.id,
                keyID: principal.keyID, instanceID: command.instanceID, commandID: id,
                address: principal.address))
        if command.state == .queued {
            let ended = try await store.finish(
                id, from: .queued, as: .cancelled,
                outcome: CommandOutcome(
                    note: "cancelled before it was sent to its machine",
                    sha256: CommandFinished.emptyDigest),
                startedAt: nil, at: time.now())
            if let ended, ended.moved {
                bell.ring(ended.command)
                return Met(state: .queued, isPassedOn: true)
            }
            // It was sent in that moment.
            command = ended?.command ?? command
        }
        guard !command.state.isTerminal else { return Met(state: command.state, isPassedOn: true) }
        // Kept first, so that a link which breaks now does not lose it.
        command = try await store.requestCancellation(id, at: time.now()) ?? command
        FaultPoint.cancelStored.reached()
        guard !command.state.isTerminal else { return Met(state: command.state, isPassedOn: true) }
        return Met(state: command.state, isPassedOn: dispatcher.cancel(command))
    }
}
