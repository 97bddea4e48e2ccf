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

    func put<Reply: Decodable>(_ path: String, _ body: some Encodable, wait: Int? = nil)
        async throws
        -> Reply
    {
        try await send(.PUT, path, body: try JSONEncoder().encode(body), wait: wait)
    }

    func delete<Reply: Decodable>(_ path: String) async throws -> Reply {
        try await send(.DELETE, path, body: Data("{}".utf8), wait: nil)
    }

    /// The bytes at a path, piece by piece.
    func download(_ path: String, _ body: (ByteBuffer) throws -> Void) async throws {
        let response = try await execute(request(.GET, path))
        try await check(response)
        for try await buffer in response.body { try body(buffer) }
    }

    private func send<Reply: Decodable>(
        _ method: HTTPMethod, _ path: String, body: Data?, wait: Int?
    ) async throws -> Reply {
        var request = request(method, path)
        if let wait { request.headers.add(name: "Prefer", value: "wait=\(wait)") }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
        }
        let response = try await execute(request)
        try await check(response)
        let reply = try await response.body.collect(upTo: 64 << 20)
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
            return try await Self.http.execute(request, timeout: .seconds(120))
        } catch {
            throw ClientError("\(baseURL) cannot be reached: \(error)")
        }
    }

    private func check(_ response: HTTPClientResponse) async throws {
        guard response.status.code / 100 != 2 else { return }
        let body = try await response.body.collect(upTo: 1 << 20)
        let reply = try? JSONDecoder().decode(ErrorReply.self, from: body)
        throw ClientError(reply?.msg ?? "\(baseURL) answered \(response.status)")
    }
}
