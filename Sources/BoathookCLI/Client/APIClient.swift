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

    /// Lives as long as the process, which is one call.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(10)
        // Longer than any answer is held back; those who follow hear of the server every ten seconds.
        configuration.timeout.read = .seconds(90)
        // A server that refuses connections is an answer.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    init(baseURL: String, key: String) {
        self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        self.key = key
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
        let body = try Self.encoded(body)
        guard let idempotencyKey else { return try await send(.PUT, path, body: body, wait: wait) }
        return try await patiently(for: Self.putPatience) {
            try await send(.PUT, path, body: body, wait: wait, idempotencyKey: idempotencyKey)
        }
    }

    /// Asks again, for so long, while nobody answers or the server fails.
    func patiently<Reply>(
        for patience: Duration, _ ask: () async throws -> Reply
    ) async throws -> Reply {
        let started = ContinuousClock.now
        while true {
            do {
                return try await ask()
            } catch let error as ClientError where error.mayPass && .now - started < patience {
                try await Task.sleep(for: Self.pause)
            }
        }
    }

    /// The events at a path from the one after `lastID` on, as bytes that come in while they happen.
    func events(_ path: String, lastID: String?) async throws -> HTTPClientResponse.Body {
        var request = request(.GET, path)
        request.headers.add(name: "Accept", value: "text/event-stream")
        if let lastID { request.headers.add(name: "Last-Event-ID", value: lastID) }
        let response = try await execute(request)
        try await check(response)
        return response.body
    }

    func post<Reply: Decodable>(_ path: String, _ body: some Encodable) async throws -> Reply {
        try await send(.POST, path, body: Self.encoded(body), wait: nil)
    }

    func delete<Reply: Decodable>(_ path: String) async throws -> Reply {
        try await send(.DELETE, path, body: Data("{}".utf8), wait: nil)
    }

    func delete<Reply: Decodable>(_ path: String, _ body: some Encodable) async throws -> Reply {
        try await send(.DELETE, path, body: Self.encoded(body), wait: nil)
    }

    /// The bytes at a path, piece by piece.
    func download(_ path: String, _ body: (ByteBuffer) throws -> Void) async throws {
        let response = try await execute(request(.GET, path))
        try await check(response)
        for try await buffer in response.body { try body(buffer) }
    }

    private static func encoded(_ body: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        // The server takes no names that are written in two ways.
        encoder.outputFormatting = .withoutEscapingSlashes
        return try encoder.encode(body)
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
        try await check(response)
        let reply: ByteBuffer
        do {
            reply = try await response.body.collect(upTo: 64 << 20)
        } catch {
            throw ClientError(
                "\(baseURL) broke its answer off: \(ConnectionFailure.words(for: error))",
                mayPass: true)
        }
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

    private func execute(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        do {
            return try await Self.http.execute(request, deadline: .distantFuture)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw ClientError(
                "cannot reach \(baseURL): \(ConnectionFailure.words(for: error))", mayPass: true)
        }
    }

    private func check(_ response: HTTPClientResponse) async throws {
        guard response.status.code / 100 != 2 else { return }
        let body = try await response.body.collect(upTo: 1 << 20)
        let reply = try? JSONDecoder().decode(ErrorReply.self, from: body)
        throw ClientError(
            reply?.msg ?? "\(baseURL) answered \(response.status)",
            mayPass: response.status.code >= 500 || response.status == .tooManyRequests,
            status: Int(response.status.code), body: Data(body.readableBytesView))
    }

    private static let putPatience = Duration.seconds(1)
    private static let pause = Duration.milliseconds(300)
}
