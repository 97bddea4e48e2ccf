internal import AgentLink
internal import ControlPlane
internal import HTTPTypes
internal import Hummingbird
internal import ServiceLifecycle
internal import VastAPI

/// `GET /results/{id}-{secret}`: the URL that `execute` gave; no key is asked for.
///
/// 404 until the result is final. A request is held for a while first, so that clients which try
/// thirty times wait minutes instead of seconds (contract 1.2). One that is pending, unknown, expired
/// or deleted gets the same bytes.
struct ResultRoute: Sendable {
    let result: CommandResult

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        guard let name = context.parameters.get("result"),
            let dash = name.firstIndex(of: "-"), let id = Int64(canonical: name[..<dash])
        else { throw WireError.noResult }
        let secret = String(name[name.index(after: dash)...])
        // A shutdown does not wait for those who wait.
        let final = try await cancelWhenGracefulShutdown {
            try await result(id, secret: secret, hold: Self.hold)
        }
        guard let final else { throw WireError.noResult }
        if let explanation = final.explanation {
            return ResultResponse(final).response(explaining: explanation)
        }
        return ResultResponse(final).response(to: request)
    }

    /// Stock clients give up on a socket after 10 s.
    private static let hold = Duration.seconds(8)
}

/// `GET /api/v0/commands/{id}/output`: the same bytes, for the account's keys; with `?stream=stdout` or
/// `?stream=stderr` those of one stream, whole; with `?follow=1` while they are written.
struct CommandOutputRoute: Sendable {
    let access: CommandAccess
    let result: CommandResult
    let follow: FollowRoute

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let query = QueryParameters(request.uri)
        switch query["follow"] {
        case nil, "0", "false": break
        case "1", "true":
            guard query["stream"] == nil else {
                throw WireError.badRequest("invalid_args", "follow has both streams.")
            }
            return try await follow.response(
                to: request, query, id: context.commandID(), as: principal)
        default: throw WireError.badRequest("invalid_args", "follow must be 1 or 0.")
        }
        guard query["offset"] == nil else {
            throw WireError.badRequest(
                "invalid_args", "offset goes with follow=1; a part of a result is had by Range.")
        }
        let command = try await access.command(context.commandID(), as: principal)
        guard let final = try await result.final(command) else { throw WireError.noResult }
        switch query["stream"] {
        case nil: return ResultResponse(final).response(to: request)
        case "stdout": return ResultResponse(final).response(stream: .stdout)
        case "stderr": return ResultResponse(final).response(stream: .stderr)
        default: throw WireError.badRequest("invalid_args", "stream must be stdout or stderr.")
        }
    }
}

/// `DELETE /api/v0/commands/{id}/output`: the bytes go before their time, and every URL of them.
struct DeleteOutputRoute: Sendable {
    let delete: DeleteResult

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        try await delete(context.commandID(), as: context.requirePrincipal())
        return try .json(DeleteOutputReply(msg: "The output is deleted; the record stays."))
    }
}

extension WireError {
    fileprivate static let noResult = WireError(
        status: .notFound,
        reply: .init(error: "no_result", msg: "There is no result here, or not yet."))
}
