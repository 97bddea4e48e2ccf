internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOFoundationEssentialsCompat
internal import NIOHTTP1
package import NIOPosix

/// The Docker Engine API over its Unix socket: Docker itself, or Podman's compatible service.
///
/// Paths carry no version: each engine then speaks its newest. What is read has been the same since
/// API 1.24.
package final class DockerEngine: ContainerEngine {
    let socketPath: String
    let threads: NIOThreadPool
    private let client: HTTPClient
    private let leastPatience: TimeAmount

    /// - Parameters:
    ///   - socketPath: Of the engine.
    ///   - threads: Where the blocking calls run.
    ///   - leastPatience: For how long each answer is waited for at least.
    package init(
        socketPath: String, threads: NIOThreadPool, leastPatience: Duration = .zero
    ) {
        self.socketPath = socketPath
        self.threads = threads
        self.leastPatience = TimeAmount(leastPatience)
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = max(.seconds(5), self.leastPatience)
        configuration.connectionPool.retryConnectionEstablishment = false
        // Each stream that is followed has one for itself: events, logs, executions, pulls.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 512
        configuration.connectionPool.idleTimeout = .seconds(5)
        client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit {
        // The client wants to be shut down before it goes, and a deinit cannot wait; the task holds the
        // client alone, and ends by itself.
        Task { [client] in try? await client.shutdown() }
    }

    package func version() async throws -> String {
        let reply: VersionReply =
            try await get("/version", timeout: .seconds(10)) ?? VersionReply()
        return reply.name
    }

    package func information() async throws -> EngineInformation {
        let version: VersionReply =
            try await get("/version", timeout: .seconds(10)) ?? VersionReply()
        let facts: EngineFacts? = try await get("/info", timeout: .seconds(30))
        return EngineInformation(
            version: version.name, isPodman: version.isPodman, dataRoot: facts?.dataRoot ?? "",
            hostname: facts?.hostname ?? "")
    }

    package func networks() async throws -> [String] {
        let reply: [ListedNetwork]? = try await get("/networks", timeout: .seconds(30))
        return (reply ?? []).map(\.name)
    }

    package func containers(label: String?) async throws -> [Container.ID] {
        try await summaries(label: label).map(\.id)
    }

    package func summaries(label: String?) async throws -> [Container] {
        let filters = label.map { Self.filters(["label": [$0]]) } ?? ""
        let reply: [ListedContainer]? = try await get(
            "/containers/json?all=1\(filters)", timeout: .seconds(60),
            upTo: Self.maximumListByteCount)
        return (reply ?? []).map(\.container)
    }

    package func inspect(_ id: Container.ID, patience: Duration) async throws -> Container? {
        let reply: InspectedContainer? = try await get(
            "/containers/\(id)/json", timeout: .init(patience))
        return reply?.container
    }

    package func summary(of id: Container.ID) async throws -> Container? {
        let filters = Self.filters(["id": [id]])
        let reply: [ListedContainer]? = try await get(
            "/containers/json?all=1\(filters)", timeout: .seconds(10))
        return reply?.first { $0.id == id }?.container
    }

    package func events() async throws -> AsyncThrowingStream<ContainerEvent, any Error> {
        let response = try await execute(
            .GET, "/events?\(Self.filters(["type": ["container"]]).dropFirst())",
            deadline: .distantFuture)
        guard response.status == .ok else { throw try await refusal(response) }
        return AsyncThrowingStream { continuation in
            let reader = Task {
                do {
                    var lines = LineBuffer()
                    for try await buffer in response.body {
                        for line in try lines.append(buffer) {
                            guard
                                let event = try? JSONDecoder().decode(
                                    EngineEvent.self, from: Data(line)),
                                let containerEvent = event.containerEvent
                            else { continue }
                            continuation.yield(containerEvent)
                        }
                    }
                    throw EngineError(.unreachable, "The engine closed its event stream.")
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in reader.cancel() }
        }
    }

    package func holdStopped(_ container: Container) async throws -> any StoppedRootHold {
        let reply: VersionReply? = try await get("/version", timeout: .seconds(10))
        if reply?.isPodman == true {
            return try await PodmanHold.take(container, engine: self)
        }
        return try await DockerHold.take(container, engine: self)
    }

    /// The decoded answer; nil for 404.
    func get<Reply: Decodable & Sendable>(
        _ path: String, timeout: TimeAmount, upTo byteCount: Int = maximumReplyByteCount
    ) async throws -> Reply? {
        let response = try await execute(.GET, path, deadline: .now() + timeout)
        if response.status == .notFound { return nil }
        // What it cannot read now, it cannot read later.
        if response.status == .badRequest {
            throw EngineError(.impossible, try await message(of: response))
        }
        guard response.status == .ok else { throw try await refusal(response) }
        let body = try await response.body.collect(upTo: byteCount)
        do {
            return try JSONDecoder().decode(Reply.self, from: body)
        } catch {
            throw EngineError(.refused, "GET \(path): an answer that we cannot read: \(error)")
        }
    }

    /// The answer's body to a POST without one.
    func post(_ path: String) async throws -> [UInt8] {
        let response = try await execute(.POST, path, deadline: .now() + .seconds(60))
        guard response.status == .ok || response.status == .noContent else {
            throw try await refusal(response)
        }
        let body = try await response.body.collect(upTo: Self.maximumReplyByteCount)
        return [UInt8](buffer: body)
    }

    func execute(
        _ method: HTTPMethod, _ path: String, json: Data? = nil,
        headers: [(String, String)] = [], deadline: NIODeadline
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: "http+unix://\(encodedSocketPath)\(path)")
        request.method = method
        request.headers.add(name: "Host", value: "docker")
        request.headers.add(contentsOf: headers)
        if let json {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: json))
        }
        do {
            return try await client.execute(
                request, deadline: max(deadline, .now() + leastPatience))
        } catch let error as CancellationError {
            throw error
        } catch {
            throw EngineError(.unreachable, "\(socketPath): \(error)")
        }
    }

    func refusal(_ response: HTTPClientResponse) async throws -> EngineError {
        EngineError(.refused, "\(response.status.code): \(try await message(of: response))")
    }

    /// What the engine says in an answer that is an error.
    func message(of response: HTTPClientResponse) async throws -> String {
        let body = try await response.body.collect(upTo: Self.maximumReplyByteCount)
        let message = try? JSONDecoder().decode(EngineMessage.self, from: body).message
        return message ?? String(buffer: body)
    }

    private var encodedSocketPath: String { Self.queryValue(socketPath.utf8) }

    /// `&filters=` and the JSON that the engine wants, for a query.
    static func filters(_ filters: [String: [String]]) -> String {
        let json = (try? JSONEncoder().encode(filters)).map { [UInt8]($0) } ?? []
        return "&filters=" + queryValue(json)
    }

    /// All but ASCII letters and digits percent-encoded.
    static func queryValue(_ bytes: some Sequence<UInt8>) -> String {
        bytes.reduce(into: "") { text, byte in
            text += byte.isLetterOrDigit ? String(UnicodeScalar(byte)) : percentEncoded(byte)
        }
    }

    private static func percentEncoded(_ byte: UInt8) -> String {
        let digits = Array("0123456789ABCDEF")
        return "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
    }

    static let maximumReplyByteCount = 64 << 20
    /// A thousand instances, with all that may be in their images' labels and in their own words.
    private static let maximumListByteCount = 512 << 20
}
