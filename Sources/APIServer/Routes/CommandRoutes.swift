internal import AgentLink
internal import CommandPolicy
internal import ControlPlane
internal import HTTPTypes
internal import Hummingbird
internal import VastAPI

/// `GET /api/v0/commands/{id}/`: one command; with `Prefer: wait=N`, once it has ended or N seconds are
/// over.
struct CommandRoute: Sendable {
    let access: CommandAccess
    let result: CommandResult
    let urls: PublicURLs

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        var command = try await access.command(context.commandID(), as: principal)
        var headers: HTTPFields = [:]
        if let seconds = request.preferredWait, !command.state.isTerminal {
            let id = command.id
            headers[.preferenceApplied] = "wait=\(seconds)"
            command = try await result.settled(id, atMost: .seconds(seconds)) ?? command
        }
        return try .json(
            try await CommandRow.describing(command, result: result, urls: urls), headers: headers)
    }
}

/// `GET /api/v0/commands/`: the newest commands, without their texts of output; `?limit=` (1 to 500,
/// default 25) and `?before=ID` page.
struct CommandListRoute: Sendable {
    let access: CommandAccess
    let urls: PublicURLs

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let query = QueryParameters(request.uri)
        let limit = query["limit"].flatMap { Int($0) } ?? 25
        let before = query["before"].flatMap { Int64(canonical: $0) }
        let commands = try await access.commands(
            of: principal, before: before, limit: min(max(1, limit), 500))
        return try .json(
            CommandListReply(
                commands: try commands.map { try CommandRow.describing($0, urls: urls) }))
    }
}

/// `DELETE /api/v0/commands/{id}/`: a wish that the command end; the answer names the state it met.
struct CancelRoute: Sendable {
    let cancel: RequestCancellation

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let met = try await cancel(context.commandID(), as: principal)
        let message =
            switch met.state {
            case .queued: "Cancelled before it was sent to its machine."
            case .dispatched, .running:
                met.isPassedOn
                    ? "Its machine was asked to end it; see the command's state."
                    : "Its machine is away; it will be asked when it comes back."
            default: "It had ended already."
            }
        return try .json(
            CancelReply(
                success: !met.state.isTerminal, state: met.state.rawValue,
                msg: message))
    }
}

extension CommandRow {
    /// A command as the wire shows it, without the texts of its output.
    static func describing(_ command: Command, urls: PublicURLs) throws -> CommandRow {
        let outcome = command.outcome
        return CommandRow(
            id: command.id, instanceID: command.instanceID, command: command.text,
            state: command.state.rawValue, final: command.state.isTerminal,
            run: command.startedAt.map(CommandFinished.run(startedAt:)),
            exitCode: outcome?.exitCode, signal: outcome?.signal, note: outcome?.note,
            stdoutBytes: outcome?.stdoutBytes, stderrBytes: outcome?.stderrBytes,
            outputBytes: outcome?.outputBytes, sha256: outcome?.sha256,
            complete: outcome?.isComplete, createdAt: command.createdAt,
            startedAt: command.startedAt, finishedAt: command.finishedAt,
            runtime: outcome?.runtime, decision: try WireJSON.value(command.decision),
            removal: outcome?.removal.map { removal in
                RemovalRow(
                    removed: !command.decision.previews, entries: removal.entries,
                    bytes: removal.bytes, paths: removal.paths,
                    pathsComplete: removal.entries == Int64(removal.paths.count),
                    digest: removal.digest)
            },
            outputURL: urls.output(command.id))
    }

    /// The same with both streams, each if it is short and UTF-8.
    static func describing(_ command: Command, result: CommandResult, urls: PublicURLs) async throws
        -> CommandRow
    {
        var row = try describing(command, urls: urls)
        guard let outcome = command.outcome, let final = try await result.final(command) else {
            return row
        }
        if outcome.stdoutBytes <= shortByteCount {
            let bytes = try await final.reader.prefix(of: .stdout, limit: shortByteCount)
            row.stdout = String(validating: bytes, as: UTF8.self)
        }
        if outcome.stderrBytes <= shortByteCount {
            let bytes = try await final.reader.prefix(of: .stderr, limit: shortByteCount)
            row.stderr = String(validating: bytes, as: UTF8.self)
        }
        return row
    }

    private static let shortByteCount = 65_536
}
