/// The only way to a command for a caller: the lookup is the authorisation.
package struct CommandAccess: Sendable {
    private let commands: any CommandStore

    package init(commands: any CommandStore) {
        self.commands = commands
    }

    /// - Throws: ``ControlPlaneError/Code/commandNotFound``, the same for a command that is absent, for
    ///   one that is somebody else's, and for one that the key does not see.
    package func command(_ id: Command.ID, as principal: Principal) async throws -> Command {
        // Somebody else's is looked for as one that is absent is, in the same time.
        guard let command = try await commands.command(id, account: principal.account.id),
            principal.sees(command)
        else {
            throw ControlPlaneError(.commandNotFound, "Command not found.")
        }
        return command
    }

    /// The newest commands that the principal sees, newest first.
    package func commands(of principal: Principal, before: Command.ID?, limit: Int) async throws
        -> [Command]
    {
        let scope = principal.scope
        return try await commands.commands(
            account: principal.account.id,
            key: scope.seesOwnCommandsOnly ? principal.keyID : nil, before: before, limit: limit
        ).filter { scope.lists(command: $0.id) }
    }
}
