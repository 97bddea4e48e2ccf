internal import AgentLink
internal import ControlPlane
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import VastAPI

/// `GET /api/v0/commands/{id}/output?follow=1&offset=N`: the output from byte N on while it is written, to
/// the command's end; as plain bytes, or, for whoever accepts `text/event-stream`, as Server-Sent Events.
struct FollowRoute: Sendable {
    let follow: FollowOutput
    let urls: PublicURLs

    func response(
        to request: Request, _ query: QueryParameters, id: Command.ID, as principal: Principal
    ) async throws -> Response {
        let wantsEvents = request.headers[values: .accept].contains {
            $0.lowercased().contains("text/event-stream")
        }
        let start = try Start(request, query)
        try await follow.check(id, as: principal)
        // What follows the body's end, the close of the connection, can be waited for only so.
        var request = request
        _ = try await request.collectBody(upTo: 4096)
        let collected = request
        let body = ResponseBody { writer in
            // A follower that went is seen at once, not by the next byte.
            try await collected.body.consumeWithCancellationOnInboundClose { _ in
                var format = FollowFormat(isEvents: wantsEvents, urls: urls)
                try await follow(id, from: start.offset, run: start.run, as: principal) { event in
                    guard let bytes = try format.bytes(of: event) else { return }
                    try await writer.write(bytes)
                }
                try await writer.finish(nil)
            }
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: wantsEvents
                    ? "text/event-stream; charset=utf-8" : "text/plain; charset=utf-8",
                .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ], body: body)
    }

    /// From where, by the query or, when a browser comes back by itself, by the last event that it had.
    private struct Start {
        var offset: Int64 = 0
        var run: String?

        init(_ request: Request, _ query: QueryParameters) throws {
            run = query["run"]
            var text = query["offset"]
            if let last = request.headers[.lastEventID] {
                let parts = last.split(separator: "/", maxSplits: 1)
                guard parts.count == 2 else { throw Self.invalid }
                run = String(parts[0])
                text = String(parts[1])
            }
            guard let text, text != "0" else { return }
            guard let offset = Int64(canonical: text), offset <= 1 << 52 else { throw Self.invalid }
            self.offset = offset
        }

        private static let invalid = WireError.badRequest(
            "invalid_args", "offset must be a number of bytes.")
    }
}

/// What a follower gets, as bytes.
private struct FollowFormat {
    /// The tool was started anew: the bytes so far are not the beginning of what would come.
    private struct Restarted: Error {}

    let isEvents: Bool
    let urls: PublicURLs
    private var run = ""

    init(isEvents: Bool, urls: PublicURLs) {
        self.isEvents = isEvents
        self.urls = urls
    }

    /// Nil when nothing is to be written.
    ///
    /// - Throws: When the answer is to be broken off: without its last chunk, a client knows that it does not
    ///   have all.
    mutating func bytes(of event: FollowOutput.Event) throws -> ByteBuffer? {
        isEvents ? try lines(of: event) : try output(of: event)
    }

    private func output(of event: FollowOutput.Event) throws -> ByteBuffer? {
        switch event {
        case .piece(let piece, _): ByteBuffer(bytes: piece.bytes)
        case .restarted: throw Restarted()
        case .run, .waiting, .ended: nil
        }
    }

    private mutating func lines(of event: FollowOutput.Event) throws -> ByteBuffer {
        switch event {
        case .run(let run, let position):
            self.run = run
            return try lines("run", ["run": .string(run)], id: position)
        case .piece(let piece, let end):
            let name = piece.stream == .stdout ? "stdout" : "stderr"
            guard let text = String(validating: piece.bytes, as: UTF8.self) else {
                let text = Data(piece.bytes).base64EncodedString()
                return try lines(name, ["base64": .string(text)], id: end)
            }
            return try lines(name, ["text": .string(text)], id: end)
        case .waiting:
            return ByteBuffer(string: ": waiting\n\n")
        case .restarted:
            return try lines("restarted", [:], id: nil)
        case .ended(let command):
            let row = try WireJSON.value(try CommandRow.describing(command, urls: urls))
            return try lines("end", row.object ?? [:], id: nil)
        }
    }

    /// See the HTML standard, section 9.2.6, "Interpreting an event stream".
    private func lines(_ name: String, _ data: [String: JSONValue], id: Int64?) throws -> ByteBuffer
    {
        var bytes = ByteBuffer(string: "event: \(name)\n")
        if let id { bytes.writeString("id: \(run)/\(id)\n") }
        bytes.writeString("data: ")
        bytes.writeImmutableBuffer(try WireJSON.encode(data))
        bytes.writeString("\n\n")
        return bytes
    }
}
