/// The way to a result for whoever holds its URL, and no key.
package struct CommandResult: Sendable {
    private let commands: any CommandStore
    private let results: any ResultStore
    private let bell: CompletionBell
    private let time: WallTime

    package init(
        commands: any CommandStore, results: any ResultStore, bell: CompletionBell, time: WallTime
    ) {
        self.commands = commands
        self.results = results
        self.bell = bell
        self.time = time
    }

    /// A result that is final: it never changes.
    package struct Final: Sendable {
        package var command: Command
        package var reader: any ResultReader

        /// What a caller who sees nothing but the output must be told: that the tool did not run to
        /// its end, and why.
        ///
        /// Only where there is no output.
        package var explanation: String? {
            guard reader.byteCount == 0, command.state != .exited else { return nil }
            let state = command.state.rawValue.replacing("_", with: " ")
            let note = command.outcome?.note.map { ": \($0)" } ?? ""
            return "boathook: command \(command.id) \(state)\(note)\n"
        }
    }

    /// - Parameters:
    ///   - id: Of the command.
    ///   - secret: From the result's URL.
    ///   - hold: How long to wait for the command's end.
    /// - Returns: The result, or nil when it is not final yet, not there any more, or never was: who
    ///   asks cannot tell which.
    /// - Throws: What the stores throw.
    package func callAsFunction(_ id: Command.ID, secret: String, hold: Duration) async throws
        -> Final?
    {
        let place = bell.place(for: id)
        guard var command = try await commands.command(id),
            // The time of a result that is still to come has not begun.
            !command.state.isTerminal || command.resultExpiresAt > time.now(),
            try await isSecret(SecretDigest(of: secret), of: command)
        else { return nil }
        if !command.state.isTerminal {
            guard let ended = await place.wait(atMost: hold) else { return nil }
            command = ended
        }
        return try await final(command)
    }

    private func isSecret(_ digest: SecretDigest, of command: Command) async throws -> Bool {
        if command.resultDigest.matches(digest) { return true }
        return try await commands.hasResultSecret(digest, command: command.id)
    }

    /// Waits until the command has ended, or `duration` is over; returns it as it then is.
    package func settled(_ id: Command.ID, atMost duration: Duration) async throws -> Command? {
        let place = bell.place(for: id)
        guard let command = try await commands.command(id), !command.state.isTerminal else {
            return try await commands.command(id)
        }
        if let ended = await place.wait(atMost: duration) { return ended }
        return try await commands.command(command.id)
    }

    /// The result of an ended command; nil when it has not ended or its bytes are gone.
    package func final(_ command: Command) async throws -> Final? {
        guard command.state.isTerminal else { return nil }
        // What is known to be nothing needs no file; a command that never started has none, and one that
        // was lost may have one of which nobody knows.
        guard let byteCount = command.outcome?.outputBytes, byteCount > 0 else {
            return Final(command: command, reader: EmptyResult())
        }
        // Bytes that were removed stay so, whatever a disk brings back.
        guard command.resultExpiresAt > 0, let reader = try await results.open(command.id),
            reader.byteCount == byteCount
        else { return nil }
        return Final(command: command, reader: reader)
    }
}
