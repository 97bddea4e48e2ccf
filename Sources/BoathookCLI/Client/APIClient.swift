internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOFoundationEssentialsCompat
internal import NIOHTTP1
internal import VastAPI

/// The API over HTTP, for one run of the program.
struct APIClient: Sendable {
    private let baseURL: String
    private let key: String
    let timing: ClientTiming

    /// Lives as long as the process, which is one call.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(10)
        // How long to wait for an answer is for ``AnswerBody`` to say.
        configuration.timeout.read = nil
        // A server that refuses connections is an answer.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    init(baseURL: String, key: String, timing: ClientTiming = ClientTiming()) {
        self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        self.key = key
        self.timing = timing
    }

    func get<Reply: Decodable>(_ path: String, wait: Int? = nil) async throws -> Reply {
        try await send(.GET, path, body: nil, wait: wait)
    }

    /// - Parameters:
    ///   - path: What is put to.
    ///   - body: What is put.
    ///   - wait: Seconds for which the answer may be held back.
    ///   - idempotencyKey: Makes it safe to send the same again when no answer came, which is done then.
    /// - Returns: The answer.
    /// - Throws: ``ClientError``.
    func put<Reply: Decodable>(
        _ path: String, _ body: some Encodable, wait: Int? = nil, idempotencyKey: String? = nil
    ) async throws -> Reply {
        try await send(.PUT, path, Self.encoded(body), wait: wait, once: idempotencyKey)
    }

    /// Asks again, for so long after the first failure, while nobody answers or the server fails.
    func patiently<Reply>(
        for patience: Duration, _ ask: () async throws -> Reply
    ) async throws -> Reply {
        var absence = Absence(limit: patience)
        while true {
            do {
                return try await ask()
            } catch let error as ClientError where error.mayPass && absence.goesOn() {
                try await Task.sleep(for: timing.pause)
            }
        }
    }

    /// The events at a path from the one after `lastID` on, as bytes that come in while they happen.
    func events(_ path: String, lastID: String?) async throws -> AnswerBody {
        var request = request(.GET, path)
        request.headers.add(name: "Accept", value: "text/event-stream")
        if let lastID { request.headers.add(name: "Last-Event-ID", value: lastID) }
        let response = try await execute(request)
        try require("text/event-stream", of: response)
        return pieces(of: response)
    }

    func post<Reply: Decodable>(
        _ path: String, _ body: some Encodable, idempotencyKey: String? = nil
    ) async throws -> Reply {
        try await send(.POST, path, Self.encoded(body), wait: nil, once: idempotencyKey)
    }

    func delete<Reply: Decodable>(_ path: String) async throws -> Reply {
        try await send(.DELETE, path, body: Data("{}".utf8), wait: nil)
    }

    func delete<Reply: Decodable>(_ path: String, _ body: some Encodable) async throws -> Reply {
        try await send(.DELETE, path, body: Self.encoded(body), wait: nil)
    }

    /// The bytes at a path.
    ///
    /// - Parameters:
    ///   - path: Where they are.
    ///   - offset: How many of them are here already.
    ///   - tag: Says of what the former ones are a part.
    /// - Returns: The bytes, and which one is the first: that of the offset, or 0 when the server gives no part.
    /// - Throws: ``ClientError``.
    func download(_ path: String, from offset: Int64, tag: String?) async throws
        -> (start: Int64, body: AnswerBody)
    {
        var request = request(.GET, path)
        if offset > 0 {
            request.headers.add(name: "Range", value: "bytes=\(offset)-")
            if let tag { request.headers.add(name: "If-Range", value: tag) }
        }
        let response = try await execute(request)
        try require("text/plain", of: response)
        guard response.status == .partialContent else { return (0, pieces(of: response)) }
        let range = response.headers.first(name: "Content-Range") ?? "none"
        guard range.hasPrefix("bytes \(offset)-") else {
            throw ClientError("\(baseURL) gave another part than was asked for: \(range)")
        }
        return (offset, pieces(of: response))
    }

    private static func encoded(_ body: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        // The server takes no names that are written in two ways.
        encoder.outputFormatting = .withoutEscapingSlashes
        return try encoder.encode(body)
    }

    /// Sends again what got no answer, if that is safe.
    private func send<Reply: Decodable>(
        _ method: HTTPMethod, _ path: String, _ body: Data, wait: Int?, once idempotencyKey: String?
    ) async throws -> Reply {
        guard let idempotencyKey else {
            return try await send(method, path, body: body, wait: wait)
        }
        var absence = Absence(limit: Self.putPatience)
        // Once the server may have the order, it is worth the wait to know what became of it.
        var silence = Absence(limit: timing.absence)
        var mayHaveArrived = false
        while true {
            do {
                return try await send(
                    method, path, body: body, wait: wait, idempotencyKey: idempotencyKey)
            } catch let error as ClientError where error.mayPass {
                mayHaveArrived = mayHaveArrived || error.mayHaveArrived
                if mayHaveArrived ? silence.goesOn() : absence.goesOn() {
                    try await Task.sleep(for: timing.pause)
                    continue
                }
                guard mayHaveArrived else { throw error }
                throw ClientError(
                    "\(error); it is not known whether the order arrived", exitCode: 126)
            }
        }
    }

    private func send<Reply: Decodable>(
        _ method: HTTPMethod, _ path: String, body: Data?, wait: Int?,
        idempotencyKey: String? = nil
    ) async throws -> Reply {
        var request = request(method, path)
        if let wait { request.headers.add(name: "Prefer", value: "wait=\(wait)") }
        if let idempotencyKey {
            request.headers.add(name: "Idempotency-Key", value: idempotencyKey)
        }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
        }
        let response = try await execute(request)
        let reply = try await pieces(of: response).whole(upTo: 64 << 20)
        do {
            return try JSONDecoder().decode(Reply.self, from: reply)
        } catch {
            throw ClientError("\(baseURL) gave an answer that is none of Boathook's: \(error)")
        }
    }

    private func request(_ method: HTTPMethod, _ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: baseURL + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        return request
    }

    /// The head of an answer that says yes.
    private func execute(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        let response: HTTPClientResponse
        do {
            response = try await before(timing.silence) {
                try await Self.http.execute(request, deadline: .distantFuture)
            }
        } catch {
            try Task.checkCancellation()
            throw ClientError(
                "cannot reach \(baseURL): \(ConnectionFailure.words(for: error))", mayPass: true,
                mayHaveArrived: !ConnectionFailure.isBeforeRequest(error))
        }
        guard response.status.code / 100 == 2 else { throw await refusal(response) }
        return response
    }

    /// What the server says in place of yes; the status alone, when the rest of its answer does not come.
    private func refusal(_ response: HTTPClientResponse) async -> ClientError {
        let body = try? await pieces(of: response).whole(upTo: 1 << 20)
        let reply = body.flatMap { try? JSONDecoder().decode(ErrorReply.self, from: $0) }
        return ClientError(
            reply?.msg ?? "\(baseURL) answered \(response.status)",
            mayPass: response.status.code >= 500 || response.status == .tooManyRequests,
            status: Int(response.status.code), body: body.map { Data($0.readableBytesView) })
    }

    private func pieces(of response: HTTPClientResponse) -> AnswerBody {
        AnswerBody(response.body, of: baseURL, silence: timing.silence)
    }

    /// A page of somebody on the way is none of Boathook's answers.
    private func require(_ type: String, of response: HTTPClientResponse) throws {
        let found = response.headers.first(name: "Content-Type") ?? "none"
        guard found.lowercased().hasPrefix(type) else {
            throw ClientError(
                "\(baseURL) gave an answer that is none of Boathook's: its type is \(found)")
        }
    }

    private static let putPatience = Duration.seconds(1)
}
