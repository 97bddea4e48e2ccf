/// A caller wants a command's output to be gone before its time.
package struct DeleteResult: Sendable {
    private let access: CommandAccess
    private let commands: any CommandStore & AuditLog
    private let results: any ResultStore
    private let time: WallTime

    package init(
        access: CommandAccess, commands: any CommandStore & AuditLog, results: any ResultStore,
        time: WallTime
    ) {
        self.access = access
        self.time = time
        self.commands = commands
        self.results = results
    }

    /// Removes the bytes, and makes every URL of them one that never was; the command's record stays.
    ///
    /// - Throws: ``ControlPlaneError``: `command_not_found`; `command_open` when the command has not ended.
    package func callAsFunction(_ id: Command.ID, as principal: Principal) async throws {
        let command = try await access.command(id, as: principal)
        guard command.state.isTerminal else {
            throw ControlPlaneError(
                .commandOpen, "The command has not ended; cancel it, or wait for its end.")
        }
        try await commands.append(
            AuditEntry(
                time: time.now(), event: .resultDeleted, accountID: principal.account.id,
                keyID: principal.keyID, instanceID: command.instanceID, commandID: id,
                address: principal.address))
        try await results.delete(id)
        try await commands.forgetResults([id])
    }
}
