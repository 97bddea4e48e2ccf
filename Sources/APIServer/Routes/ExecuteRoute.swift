internal import AgentLink
internal import CommandPolicy
internal import ControlPlane
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import VastAPI

/// `PUT /api/v0/instances/command/{id}/` (seed page; contract 1).
struct ExecuteRoute: Sendable {
    let execute: ExecuteCommand
    let result: CommandResult
    let limiter: RateLimiter<APIKey.ID>
    let urls: PublicURLs

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        try limiter.admit(principal.keyID)
        let body = try await request.jsonObject(
            ExecuteRequest.self, upTo: Self.maximumBodyByteCount)
        var order = try CommandOrder(body)
        order.idempotencyKey = try request.idempotencyKey
        order.hiddenInstanceID = context.hiddenID
        let id = try context.instanceID()
        if try body.wantsDryRun {
            order.previews = true
            let decision = try await execute.decision(order, on: id, as: principal)
            // Only what removes has something to list.
            guard decision.previews else {
                return try .json(DryRunReply(decision: try WireJSON.value(decision)))
            }
        }
        let accepted = try await execute(order, on: id, as: principal)
        let watch = watch(accepted.command)
        var reply = ExecuteReply(
            resultURL: urls.result(accepted), commandID: accepted.command.id,
            statusURL: urls.status(accepted.command.id),
            preview: accepted.command.decision.previews
                ? try WireJSON.value(accepted.command.decision) : nil)
        guard let seconds = request.preferredWait else {
            return try answer(reply, watch, context)
        }
        if let settled = try await result.settled(accepted.command.id, atMost: .seconds(seconds)) {
            reply.result = try await CommandRow.describing(settled, result: result, urls: urls)
        }
        return try answer(
            reply, watch, context, headers: [.preferenceApplied: "wait=\(seconds)"])
    }

    /// Of an order that must not be carried out twice.
    private func watch(_ command: Command) -> AnswerWatch? {
        guard command.decision.writes else { return nil }
        execute.answering(command)
        return AnswerWatch(
            lost: { [execute] in execute.answerGotLost(command) },
            // Before its last byte is on the way: whoever has that may order the same anew.
            begins: { [execute] in execute.answered(command) })
    }

    private func answer(
        _ reply: ExecuteReply, _ watch: AnswerWatch?, _ context: APIContext,
        headers: HTTPFields = [:]
    ) throws -> Response {
        guard let watch else { return try .json(reply, headers: headers) }
        return try .json(reply, headers: headers, on: context, watch: watch)
    }

    /// A command has at most 2,048 bytes, and JSON may write each as six.
    private static let maximumBodyByteCount = 65_536
}

extension ExecuteRequest {
    var wantsDryRun: Bool {
        get throws {
            switch dryRun {
            case .bool(let value)?: value
            case nil, .null?: false
            default: throw WireError.badRequest("invalid_args", "dry_run must be true or false.")
            }
        }
    }
}

extension CommandOrder {
    /// Reads the open fields of the wire, with upstream's words where it has some (contract 1.1).
    init(_ request: ExecuteRequest) throws {
        let input: CommandOrder.Input
        // As of the other fields, null says nothing.
        switch (request.command ?? .null, request.argv ?? .null) {
        case (.string(let text), .null):
            input = .text(text)
        case (.null, .array(let words)):
            let argv = words.compactMap(\.string)
            guard argv.count == words.count, !argv.isEmpty else {
                throw WireError.badRequest("invalid_args", "argv must be a list of strings.")
            }
            input = .argv(argv)
        case (.null, .null):
            throw WireError.badRequest("invalid_args", "Missing command.")
        case (_, .null), (.null, _):
            throw WireError.badRequest("invalid_args", "Invalid command.")
        default:
            throw WireError.badRequest("invalid_args", "Send either command or argv.")
        }
        var timeout: Int?
        if let value = request.timeout, value != .null {
            guard case .int(let seconds) = value,
                (1...Int64(ExecuteCommand.maximumTimeoutSeconds)).contains(seconds)
            else {
                throw WireError.badRequest(
                    "invalid_args",
                    "timeout must be a whole number of seconds from 1 to \(ExecuteCommand.maximumTimeoutSeconds)."
                )
            }
            timeout = Int(seconds)
        }
        self.init(input: input, timeoutSeconds: timeout)
        switch request.view {
        case nil, .null?: break
        case .string(let name)?:
            guard let view = InstanceView(rawValue: name) else { fallthrough }
            self.view = view
        default:
            throw WireError.badRequest("invalid_args", "view must be merged or writable.")
        }
        switch request.plan {
        case nil, .null?: break
        case .int(let id)? where id > 0: planID = id
        default:
            throw WireError.badRequest("invalid_args", "plan must be the id that a dry run gave.")
        }
    }
}

extension APIContext {
    /// The instance id of the path.
    func instanceID() throws -> Instance.ID {
        guard let text = parameters.get("id"), let id = Int64(canonical: text) else {
            throw WireError.invalidInstanceID
        }
        return id
    }

    /// The command id of the path; one that is no id names nothing.
    func commandID() throws -> Command.ID {
        guard let text = parameters.get("id"), let id = Int64(canonical: text) else {
            throw ControlPlaneError(.commandNotFound, "Command not found.")
        }
        return id
    }
}

extension Int64 {
    /// A positive decimal number in its one spelling: no sign, no leading zero, ASCII digits alone.
    init?(canonical text: some StringProtocol) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = text.utf8.first, first != UInt8(ascii: "0"), text.utf8.count <= 19,
            text.utf8.allSatisfy({ digits.contains($0) }), let value = Int64(String(text))
        else { return nil }
        self = value
    }
}

extension Request {
    /// Seconds of `Prefer: wait=N` (RFC 7240, section 4.3), at most a minute; nil when not asked for.
    var preferredWait: Int? {
        for preference in headers[values: .prefer].flatMap({ $0.split(separator: ",") }) {
            let parts = preference.split(separator: "=")
            guard parts.count == 2, parts[0].filter({ $0 != " " }).lowercased() == "wait",
                let seconds = Int(parts[1].filter { $0 != " " && $0 != "\"" }), seconds >= 0
            else { continue }
            return min(seconds, 60)
        }
        return nil
    }
}

extension Request {
    /// `Idempotency-Key`, as the caller spells it.
    var idempotencyKey: String? {
        get throws {
            guard let key = headers[.idempotencyKey] else { return nil }
            guard (1...255).contains(key.utf8.count) else {
                throw WireError.badRequest(
                    "invalid_args", "Idempotency-Key must have 1 to 255 bytes.")
            }
            return key
        }
    }
}
