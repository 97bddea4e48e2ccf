internal import CommandPolicy
internal import ControlPlane
internal import HTTPTypes
internal import Hummingbird
internal import VastAPI

/// `PUT /api/v0/instances/request_logs/{id}/` (contract 2): what an instance printed, as a result like a command's.
struct RequestLogsRoute: Sendable {
    let requestLogs: RequestLogs
    let result: CommandResult
    let limiter: RateLimiter<APIKey.ID>
    let urls: PublicURLs

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        try limiter.admit(principal.keyID)
        let body = try await request.jsonObject(
            LogsRequest.self, upTo: Self.maximumBodyByteCount, isOptional: true)
        let options = RequestLogs.Options(
            idempotencyKey: try request.idempotencyKey, hiddenInstanceID: context.hiddenID)
        let id = try context.instanceID()
        let log = try LogRequest(body, of: id)
        let accepted: AcceptedCommand
        do {
            accepted = try await requestLogs(log, on: id, as: principal, options: options)
        } catch let error as ControlPlaneError
            where [.instanceNotFound, .containerGone].contains(error.code)
        {
            // Upstream's word on this route.
            throw WireError(
                status: .notFound, reply: .init(error: "invalid_id", msg: error.message))
        }
        let command = accepted.command.id
        var reply = LogsReply(
            resultURL: urls.result(accepted), commandID: command, statusURL: urls.status(command))
        guard let seconds = request.preferredWait else { return try .json(reply) }
        if let settled = try await result.settled(command, atMost: .seconds(seconds)) {
            reply.result = try await CommandRow.describing(settled, result: result, urls: urls)
        }
        return try .json(reply, headers: [.preferenceApplied: "wait=\(seconds)"])
    }

    private static let maximumBodyByteCount = 65_536
}

extension LogRequest {
    /// Reads the open fields of the wire.
    fileprivate init(_ body: LogsRequest, of instance: Instance.ID) throws {
        let isDaemon = try Self.flag(body.daemonLogs, "daemon_logs")
        self.init(
            isDaemon ? .agent(instance: instance) : .container,
            tail: try Self.tail(body.tail), filter: try Self.filter(body.filter),
            follows: try Self.flag(body.follow, "follow"))
        guard isSound else {
            throw WireError.badRequest(
                "invalid_args", "follow is for the instance's own log, not for daemon_logs.")
        }
    }

    /// A number, or its digits.
    private static func tail(_ value: JSONValue?) throws -> Int {
        let count: Int?
        switch value {
        case nil, .null?: return defaultTail
        case .int(let number)?: count = Int(exactly: number)
        case .string(let text)? where text.utf8.allSatisfy({ (0x30...0x39).contains($0) }):
            count = text.utf8.count <= 6 ? Int(text) : nil
        default: count = nil
        }
        guard let count, tails.contains(count) else {
            throw WireError.badRequest(
                "invalid_args",
                "tail must be a number of lines from \(tails.lowerBound) to \(tails.upperBound).")
        }
        return count
    }

    private static func filter(_ value: JSONValue?) throws -> String? {
        switch value {
        case nil, .null?, .string("")?: return nil
        case .string(let text)?
        where text.utf8.count <= maximumFilterByteCount
            && text.utf8.allSatisfy { $0 != 0 && $0 != 0x0A && $0 != 0x0D }:
            return text
        default:
            throw WireError.badRequest(
                "invalid_args",
                "filter must be a text of one line and at most \(maximumFilterByteCount) bytes.")
        }
    }

    /// As JSON has it, or as the string that stock clients send.
    private static func flag(_ value: JSONValue?, _ name: String) throws -> Bool {
        switch value {
        case nil, .null?, .bool(false)?, .string("false")?, .string("")?: return false
        case .bool(true)?, .string("true")?: return true
        default: throw WireError.badRequest("invalid_args", "\(name) must be true or false.")
        }
    }
}
