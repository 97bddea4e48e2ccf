package import AgentLink

/// The agent's way to its server.
///
/// One adapter speaks HTTP; in `boathook up` another calls the server's gateway in the same
/// process.
package protocol ServerLink: Sendable {
    /// Opens the link. The stream ends, by an error or not, when the link is broken; the agent then
    /// opens another. By ``ForgedLine`` it ends when somebody but the server has written on it.
    func connect(_ hello: AgentHello) async throws -> AsyncThrowingStream<ServerMessage, any Error>
    /// Tells the server; returns when it has taken it.
    func send(_ message: AgentMessage) async throws
    /// Sends what a command writes while it runs, for the one who asked for it; returns when there is no more
    /// or nobody reads any more.
    func relay(_ relayID: String, frames: FollowedOutput) async throws
    /// Hands a command's end and output over; returns when the server holds both durably.
    ///
    /// - Throws: ``ReportRefused`` when repeating it would change nothing.
    func deliver(_ report: CommandFinished, output: SpooledOutput) async throws
}

/// The server will not have this report, now or later.
package struct ReportRefused: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
