/// The only way to a command for a caller: the lookup is the authorisation.
package struct CommandAccess: Sendable {
    private let commands: any CommandStore

    package init(commands: any CommandStore) {
        self.commands = commands
    }

    /// - Throws: ``ControlPlaneError/Code/commandNotFound``, the same for a command that is absent and
    ///   for one that is somebody else's.
    package func command(_ id: Command.ID, as principal: Principal) async throws -> Command {
        guard let command = try await commands.command(id),
            command.accountID == principal.account.id
        else {
            throw ControlPlaneError(.commandNotFound, "Command not found.")
        }
        return command
    }

    /// The principal's newest commands, newest first.
    package func commands(of principal: Principal, before: Command.ID?, limit: Int) async throws
        -> [Command]
    {
        try await commands.commands(account: principal.account.id, before: before, limit: limit)
    }
}
