internal import AgentLink
internal import ControlPlane
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// `POST /agent/v1/join`: a host becomes a machine.
struct JoinRoute: Sendable {
    let gateway: AgentGateway
    let failedLogins: FailedLogins

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let token = request.bearerToken ?? ""
        let join = try await request.jsonObject(JoinRequest.self, upTo: 4096)
        do {
            return try .json(
                try await gateway.join(
                    token: token, name: String(join.name.prefix(255)), nonce: join.nonce))
        } catch let error as ControlPlaneError where error.code == .unauthenticated {
            try failedLogins.note(from: context.remoteAddress)
            throw error
        }
    }
}

/// `POST /agent/v1/link`: the response that the agent holds open; a message a line, each signed.
struct LinkRoute: Sendable {
    let gateway: AgentGateway

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        // Collected into the request itself: what follows the body's end, the close of the connection,
        // can be waited for only so.
        var request = request
        _ = try await request.collectBody(upTo: Self.maximumHelloByteCount)
        let hello = try await request.jsonObject(
            AgentHello.self, upTo: Self.maximumHelloByteCount)
        let (messages, signer) = try await gateway.attachSigned(
            context.requireMachine(), hello: hello)
        let collected = request
        let channel = context.channel
        let body = ResponseBody { writer in
            // Below, a write to an agent that does not read has no end.
            let watch = Task {
                if await messages.waitUntilCut() { channel.close(promise: nil) }
            }
            defer { watch.cancel() }
            // An agent that went is seen by the close of its connection, not by the next message.
            try await collected.body.consumeWithCancellationOnInboundClose { _ in
                var signer = signer
                for await message in messages {
                    let text = try WireJSON.encode(message)
                    var line = ByteBuffer(bytes: try signer.line(text.readableBytesView).bytes)
                    line.writeInteger(UInt8(ascii: "\n"))
                    try await writer.write(line)
                }
                try await writer.finish(nil)
            }
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/plain; charset=utf-8", .cacheControl: "no-store",
                .attachment: signer.attachment.serverNonce.text,
            ],
            body: body)
    }

    /// Room for the ids of a million commands.
    private static let maximumHelloByteCount = 16 << 20
}

/// `POST /agent/v1/reports`: what the agent tells.
struct ReportsRoute: Sendable {
    let gateway: AgentGateway

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let messages = try await request.jsonObject([AgentMessage].self, upTo: 64 << 20)
        try await gateway.receive(messages, from: context.requireMachine())
        return Response(status: .noContent)
    }
}

/// `POST /agent/v1/output/{relay}`: what a running command writes, for the one who asked for it.
struct RelayRoute: Sendable {
    let gateway: AgentGateway

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        guard let relayID = context.parameters.get("relay"), let run = request.headers[.run] else {
            throw WireError.notFound
        }
        let frames = request.body.map { [UInt8](buffer: $0) }
        try await gateway.relay(
            relayID, run: run, frames: frames, from: context.requireMachine())
        return Response(status: .noContent)
    }
}

/// `POST /agent/v1/results`: a command's end, and its output behind it.
struct ResultsRoute: Sendable {
    let gateway: AgentGateway

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let machine = try context.requireMachine()
        let body = ReportBody(request.body)
        let report = try await body.report()
        do {
            try await gateway.complete(report, frames: body.frames, from: machine)
        } catch let error as ControlPlaneError
            where error.code == .agentRefused || error.code == .commandNotFound
        {
            var refusal = WireError(error)
            refusal.headers[.refusal] = "1"
            throw refusal
        }
        return Response(status: .noContent)
    }
}
