internal import AgentLink
internal import ControlPlane
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import VastAPI

/// `PUT /api/v0/asks/{id}/`, and `POST` as the seed page has it: an instance on an offer (contract 4).
struct CreateInstanceRoute: Sendable {
    let create: CreateInstance
    let templates: TemplateAccess

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let (body, bytes) = try await request.json(
            CreateInstanceRequest.self, upTo: Self.maximumBodyByteCount)
        guard let id = context.parameters.get("id").flatMap({ Int64(canonical: $0) }) else {
            throw WireError.badRequest("invalid_args", "Invalid ask id.")
        }
        let route = try context.accountRoute(of: request)
        let call = try CreationCall(request, bytes, "ask \(id)")
        if let made = try await create.made(by: call, as: principal, through: route) {
            return try create.answer(CreateInstanceReply(made), [made.instance.id], context)
        }
        let template = try await templates.template(of: body, for: principal)
        let order = try InstanceRequest(body, from: template)
        do {
            let made = try await create(order, on: id, as: principal, through: route, for: call)
            return try create.answer(CreateInstanceReply(made), [made.instance.id], context)
        } catch let error as ControlPlaneError {
            var failure = Self.wireError(error, body)
            failure.reply.askID = id
            throw failure
        }
    }

    /// Upstream has one code for an offer that is gone and one that is taken, and its status depends on what the
    /// client said of that.
    static func wireError(_ error: ControlPlaneError, _ body: CreateInstanceRequest) -> WireError {
        guard error.code == .offerNotFound || error.code == .noRoom else { return WireError(error) }
        let isFinal = body.cancelUnavailable == .bool(true)
        return WireError(
            status: isFinal ? .gone : .notFound,
            reply: ErrorReply(error: "no_such_ask", msg: error.message))
    }

    /// A script of 16 KiB and 32 KiB of environment, and JSON may write each byte as six.
    static let maximumBodyByteCount = 512 << 10
}

/// `POST /api/v0/asks/bulk/`: the same on several offers.
struct BulkCreateRoute: Sendable {
    let create: CreateInstance
    let templates: TemplateAccess

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let (body, bytes) = try await request.json(
            CreateInstanceRequest.self, upTo: CreateInstanceRoute.maximumBodyByteCount)
        let ids = try InstanceIDs.list(body.ids, "ids list required")
        let route = try context.accountRoute(of: request)
        let began = ContinuousClock.now
        var call = try CreationCall(request, bytes, "bulk")
        var order: InstanceRequest?
        var items: [BulkCreateReply.Item] = []
        for (part, id) in ids.enumerated() {
            call.part = part
            do {
                let made: MadeInstance
                if let former = try await create.made(by: call, as: principal, through: route) {
                    made = former
                } else {
                    let new: InstanceRequest
                    if let order {
                        new = order
                    } else {
                        new = try await self.order(body, for: principal)
                    }
                    order = new
                    made = try await create(
                        new, on: id, as: principal, through: route, for: call)
                }
                items.append(
                    .init(
                        askID: id, success: true, newContract: made.instance.id,
                        state: made.state.rawValue))
            } catch let error as ControlPlaneError where order != nil || !items.isEmpty {
                let reply = CreateInstanceRoute.wireError(error, body).reply
                items.append(
                    .init(askID: id, success: false, error: reply.error, msg: reply.msg))
            } catch {
                // Those before it were made, and this answer does not say so.
                create.answerGotLost(items.compactMap(\.newContract))
                throw error
            }
        }
        let reply = BulkCreateReply(
            results: items, elapsed: (ContinuousClock.now - began) / .seconds(1))
        return try create.answer(
            reply, reply.created, context, status: reply.success ? .ok : .badRequest)
    }

    private func order(_ body: CreateInstanceRequest, for principal: Principal) async throws
        -> InstanceRequest
    {
        try InstanceRequest(
            body, from: try await templates.template(of: body, for: principal))
    }
}

/// `PUT /api/v0/launch_instance/`: a search, and an instance on the first offer that it finds.
struct LaunchInstanceRoute: Sendable {
    let create: CreateInstance
    let templates: TemplateAccess
    let search: OfferSearchRoute

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let (body, bytes) = try await request.json(
            CreateInstanceRequest.self, upTo: CreateInstanceRoute.maximumBodyByteCount)
        let route = try context.accountRoute(of: request)
        let call = try CreationCall(request, bytes, "launch")
        // What it made may have been the last room that there was.
        if let made = try await create.made(by: call, as: principal, through: route) {
            return try create.answer(CreateInstanceReply(made), [made.instance.id], context)
        }
        let template = try await templates.template(of: body, for: principal)
        let order = try InstanceRequest(body, from: template)
        let query = try Self.query(body.query, over: template)
        for row in try await search.offers(query) where row["rentable"] == .bool(true) {
            guard case .int(let id)? = row["id"] else { continue }
            do {
                let made = try await create(
                    order, on: id, as: principal, through: route, for: call)
                return try create.answer(CreateInstanceReply(made), [made.instance.id], context)
            } catch let error as ControlPlaneError
                where error.code == .noRoom || error.code == .offerNotFound
            {
                continue  // somebody else was quicker
            }
        }
        return try .json(LaunchFailure())
    }

    /// The search, and what the template asks of offers beside it: of the same column, the search wins (contract 4).
    private static func query(_ value: JSONValue?, over template: Template?) throws
        -> [String: JSONValue]
    {
        let filters = template?.content.filters ?? [:]
        switch value {
        case .object(let query)?: return filters.merging(query) { $1 }
        // A template may say all that there is to say.
        case nil where template != nil, .null? where template != nil: return filters
        default: throw WireError.badRequest("invalid_args", "q is the search, an object.")
        }
    }
}

/// Upstream's 200 that is none (contract 4).
private struct LaunchFailure: Encodable {
    let success = false
    let error = "offer_not_found"
    let msg = "No offer that can be rented now matches the search."
    let message = "No offer that can be rented now matches the search."
}

extension CreateInstanceReply {
    /// `success` tells whether it is to run.
    fileprivate init(_ made: MadeInstance) {
        self.init(
            success: made.state == .running, newContract: made.instance.id,
            instanceKey: made.key)
    }
}

extension CreationCall {
    /// - Parameters:
    ///   - request: What came.
    ///   - body: Its body.
    ///   - kind: Which call it is, and of what.
    /// - Throws: `WireError` 400 when its `Idempotency-Key` is none.
    fileprivate init(_ request: Request, _ body: ByteBuffer, _ kind: String) throws {
        self.init(
            idempotencyKey: try request.idempotencyKey,
            bytes: Array("\(kind)\n".utf8) + Array(body.readableBytesView))
    }
}

extension CreateInstance {
    /// An answer that tells of new instances; whether it arrives decides what an equal order means.
    fileprivate func answer(
        _ reply: some Encodable, _ ids: [Instance.ID], _ context: APIContext,
        status: HTTPResponse.Status = .ok
    ) throws -> Response {
        try .json(
            reply, status: status, on: context,
            watch: AnswerWatch(
                lost: { answerGotLost(ids) }, arrived: { await answered(ids) }))
    }
}

/// Lists of ids in bodies.
enum InstanceIDs {
    /// - Throws: `WireError` 400 with upstream's words when there is none, or too many.
    static func list(_ value: JSONValue?, _ missing: String) throws -> [Int64] {
        guard let values = value?.array, !values.isEmpty else {
            throw WireError.badRequest("invalid_args", missing)
        }
        guard values.count <= maximumCount else {
            throw WireError.badRequest(
                "invalid_args", "chunk length of \(values.count) > \(maximumCount)")
        }
        let ids = values.compactMap { value -> Int64? in
            guard let number = value.number, number >= 1, number < 9e15, number == number.rounded()
            else { return nil }
            return Int64(number)
        }
        guard ids.count == values.count else {
            throw WireError.badRequest("invalid_args", "Ids are whole numbers.")
        }
        return ids
    }

    private static let maximumCount = 64
}
