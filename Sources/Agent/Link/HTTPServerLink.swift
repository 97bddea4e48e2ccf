package import AgentLink
internal import AsyncHTTPClient
internal import FoundationEssentials
internal import Glibc
internal import NIOCore
internal import NIOFoundationEssentialsCompat
internal import NIOHTTP1

/// The link over HTTP: one response held open for the server's messages, one request for each of the
/// agent's.
package final class HTTPServerLink: ServerLink {
    private let baseURL: String
    private let machineID: Int64
    private let token: String
    private let serverKey: ServerPublicKey
    private let client: HTTPClient
    /// Apart, so that those who follow take no connection from what the agent owes the server.
    private let relayClient: HTTPClient

    /// - Parameters:
    ///   - baseURL: Of the server, without a trailing slash.
    ///   - machineID: The machine's.
    ///   - token: The machine's.
    ///   - serverKey: Of the server that made both.
    package init(baseURL: String, machineID: Int64, token: String, serverKey: ServerPublicKey) {
        self.baseURL = baseURL
        self.machineID = machineID
        self.token = token
        self.serverKey = serverKey
        client = Self.makeClient(silence: .seconds(60))
        relayClient = Self.makeClient()
    }

    deinit {
        // The client wants to be shut down before it goes, and a deinit cannot wait; the task holds the
        // client alone, and ends by itself.
        Task { [client, relayClient] in
            try? await client.shutdown()
            try? await relayClient.shutdown()
        }
    }

    /// Makes this host a machine of the server's.
    ///
    /// - Parameters:
    ///   - baseURL: Of the server, without a trailing slash.
    ///   - token: As the server's operator got it.
    ///   - serverKey: The key that is in it.
    ///   - name: The host's, for people.
    /// - Returns: What the server itself has answered to this very request.
    /// - Throws: ``ForgedAnswer`` when somebody else answered; what the client throws.
    package static func join(
        baseURL: String, token: JoinToken, serverKey: ServerPublicKey, name: String
    ) async throws -> JoinReply {
        let client = makeClient()
        let nonce = LinkNonce()
        do {
            var request = HTTPClientRequest(url: baseURL + LinkProtocol.joinPath)
            request.method = .POST
            request.headers.add(name: "Authorization", value: "Bearer \(token.text)")
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(try JSONEncoder().encode(JoinRequest(name: name, nonce: nonce)))
            let response = try await client.execute(request, timeout: .seconds(30))
            let body = try await response.body.collect(upTo: 1 << 16)
            guard response.status == .ok else {
                throw LinkError(status: response.status.code, body: String(buffer: body))
            }
            let reply = try JSONDecoder().decode(JoinReply.self, from: body)
            guard serverKey.signed(reply, for: nonce) else { throw ForgedAnswer() }
            try await client.shutdown()
            return reply
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    package func connect(_ hello: AgentHello) async throws
        -> AsyncThrowingStream<ServerMessage, any Error>
    {
        let nonce = LinkNonce()
        var hello = hello
        hello.nonce = nonce
        var request = request(LinkProtocol.linkPath)
        request.body = .bytes(try JSONEncoder().encode(hello))
        let response = try await client.execute(request, deadline: .distantFuture)
        try await check(response, is: .ok)
        let header = response.headers.first(name: LinkProtocol.attachmentHeader) ?? ""
        guard let serverNonce = LinkNonce(header) else { throw ForgedLine.noAttachment }
        let lines = VerifiedLines(
            LinkStatement.Attachment(
                machineID: machineID, agentNonce: nonce, serverNonce: serverNonce),
            key: serverKey)
        let body = response.body
        return AsyncThrowingStream { continuation in
            let reader = Task {
                do {
                    var reader = LineReader()
                    var lines = lines
                    for try await buffer in body {
                        for line in try reader.append(buffer) {
                            let message = Data(try lines.message(of: line))
                            continuation.yield(
                                try JSONDecoder().decode(ServerMessage.self, from: message))
                        }
                    }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in reader.cancel() }
        }
    }

    package func send(_ message: AgentMessage) async throws {
        var request = request(LinkProtocol.reportsPath)
        request.body = .bytes(try JSONEncoder().encode([message]))
        try await check(
            try await client.execute(request, timeout: .seconds(30)), is: .noContent)
    }

    package func relay(_ relayID: String, frames: FollowedOutput) async throws {
        var request = request(LinkProtocol.outputPath + relayID)
        request.headers.replaceOrAdd(name: "Content-Type", value: "application/octet-stream")
        request.headers.add(name: LinkProtocol.runHeader, value: frames.run)
        request.body = .stream(frames.map { ByteBuffer(bytes: $0) }, length: .unknown)
        // The answer comes when nobody reads any more, even before the last byte was sent.
        defer { frames.stop() }
        try await check(
            try await relayClient.execute(request, deadline: .distantFuture), is: .noContent)
    }

    package func deliver(_ report: CommandFinished, output: SpooledOutput) async throws {
        var request = request(LinkProtocol.resultsPath)
        request.headers.replaceOrAdd(name: "Content-Type", value: "application/octet-stream")
        let head = ReportHead.bytes(of: Array(try JSONEncoder().encode(report)))
        request.body = .stream(
            output.chunks(after: head).map { ByteBuffer(bytes: $0) },
            length: .known(Int64(head.count + output.byteCount)))
        let response = try await client.execute(request, timeout: .hours(1))
        if response.headers.contains(name: LinkProtocol.refusalHeader) {
            let body = try await response.body.collect(upTo: 1 << 16)
            throw ReportRefused(String(buffer: body))
        }
        try await check(response, is: .noContent)
    }

    private func request(_ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: baseURL + path)
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        request.headers.add(name: "Content-Type", value: "application/json")
        return request
    }

    /// Whoever stands between the two may answer for a server that is away, with a page and 200 as well.
    private func check(_ response: HTTPClientResponse, is expected: HTTPResponseStatus) async throws
    {
        guard response.status != expected else { return }
        let body = try await response.body.collect(upTo: 1 << 16)
        throw LinkError(status: response.status.code, body: String(buffer: body))
    }

    /// - Parameter silence: How long the other end may leave what is sent without a word, on a way that swallows
    ///   packets or to somebody who does not read; nil for as long as TCP has patience, a quarter of an hour. Until all of
    ///   a request is sent, the client's own limits do not count.
    /// - Returns: The client; whoever has it shuts it down.
    private static func makeClient(silence: Duration? = nil) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(10)
        // No line for this long means that the line is dead; heartbeats come more often.
        configuration.timeout.read = .seconds(Int64(LinkProtocol.silenceSeconds))
        configuration.redirectConfiguration = .disallow
        // Those who call repeat, at their own pace.
        configuration.connectionPool.retryConnectionEstablishment = false
        // As many as the server lets follow; the usual eight would let the link and eight reports wait for
        // each other.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        configuration.httpVersion = .http1Only
        if let silence {
            // tcp(7): in milliseconds, also for a window that stays closed.
            let option = NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT)
            configuration.http1_1ConnectionDebugInitializer = { channel in
                channel.setOption(
                    .tcpOption(option), value: Int(silence / .milliseconds(1)))
            }
        }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }
}

/// The server answered with something else than it should.
package struct LinkError: Error, Sendable, CustomStringConvertible {
    let status: UInt
    let body: String

    package var description: String { "the server answered \(status): \(body.prefix(300))" }
}

/// Who answered the request to join has not the key that the join token names.
package struct ForgedAnswer: Error, Sendable, CustomStringConvertible {
    package var description: String {
        "the answer is not signed by the server that the join token is from"
    }
}

/// Cuts a stream of buffers into lines of bounded length.
private struct LineReader {
    private var rest: [UInt8] = []

    mutating func append(_ buffer: ByteBuffer) throws -> [ArraySlice<UInt8>] {
        rest.append(contentsOf: buffer.readableBytesView)
        var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        rest = lines.popLast().map(Array.init) ?? []
        guard rest.count <= LinkProtocol.maximumLineByteCount else {
            throw LinkError(status: 200, body: "a line without an end")
        }
        return lines
    }
}
