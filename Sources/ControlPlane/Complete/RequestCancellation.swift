internal import AgentLink

/// A caller wants a command to end.
package struct RequestCancellation: Sendable {
    private let commands: CommandAccess
    private let store: any CommandStore
    private let dispatcher: Dispatcher
    private let bell: CompletionBell
    private let time: WallTime

    package init(
        commands: CommandAccess, store: any CommandStore, dispatcher: Dispatcher,
        bell: CompletionBell, time: WallTime
    ) {
        self.commands = commands
        self.store = store
        self.dispatcher = dispatcher
        self.bell = bell
        self.time = time
    }

    /// Ends a queued command here; passes the wish on for one that a machine has.
    ///
    /// - Returns: The state that the wish met.
    package func callAsFunction(_ id: Command.ID, as principal: Principal) async throws
        -> CommandState
    {
        let command = try await commands.command(id, as: principal)
        switch command.state {
        case .queued:
            let ended = try await store.finish(
                id, as: .cancelled,
                outcome: CommandOutcome(
                    note: "cancelled before it was sent to its machine",
                    sha256: CommandFinished.emptyDigest),
                startedAt: nil, at: time.now())
            if let ended { bell.ring(ended.command) }
            return ended?.moved == true ? .queued : ended?.command.state ?? .queued
        case .dispatched, .running:
            _ = dispatcher.cancel(command)
            return command.state
        default:
            return command.state
        }
    }
}
