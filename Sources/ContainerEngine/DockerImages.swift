internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1

extension DockerEngine {
    package func configurationByteCount(of image: ImageName) async throws -> Int? {
        do {
            // Its grammar leaves nothing in it that a path would read otherwise.
            let reply: FoundImage? = try await get(
                "/images/\(image)/json", timeout: .seconds(30))
            return reply.map { $0.configuration?.byteCount ?? 0 }
        } catch is NIOTooManyBytesError {
            return Self.maximumReplyByteCount
        }
    }

    package func pull(
        _ image: ImageName, credentials: RegistryCredentials?,
        progress: @escaping @Sendable (PullProgress) -> Void
    ) async throws {
        let tag = image.tag.map { "&tag=\(Self.queryValue($0.utf8))" } ?? ""
        let response = try await execute(
            .POST, "/images/create?fromImage=\(Self.queryValue(image.repository.utf8))\(tag)",
            headers: try credentials.map { [("X-Registry-Auth", try $0.header)] } ?? [],
            deadline: .now() + Self.pullPatience)
        guard response.status == .ok else {
            throw PullFailure.error(
                try await message(of: response), status: Int(response.status.code))
        }
        var lines = LineBuffer()
        var report = PullReport()
        for try await buffer in response.body {
            let former = report.progress
            for line in try lines.append(buffer) { report.read(line: line) }
            if report.progress != former { progress(report.progress) }
        }
        report.read(line: lines.last())
        if let failure = report.failure { throw PullFailure.error(failure, status: 200) }
    }

    package func checkAccess(to image: ImageName, credentials: RegistryCredentials?) async throws {
        // Podman has no such call, and asks the registry at each pull. Docker does not when it has the digest that is
        // wanted (seen with 20.10.24).
        guard try await !information().isPodman else {
            return try await pull(image, credentials: credentials) { _ in }
        }
        let response = try await execute(
            .GET, "/distribution/\(image)/json",
            headers: try credentials.map { [("X-Registry-Auth", try $0.header)] } ?? [],
            deadline: .now() + .minutes(1))
        let message = try await message(of: response)
        guard response.status == .ok else {
            throw PullFailure.error(message, status: Int(response.status.code))
        }
    }

    /// An image of some hundred GB over a slow line; an owner who waits for less destroys the instance.
    private static let pullPatience = TimeAmount.hours(12)
}

/// What a failed pull means for those who would try again.
enum PullFailure {
    /// - Parameters:
    ///   - message: The engine's.
    ///   - status: Of its answer: Docker says early failures by it, Podman all of them in the stream.
    /// - Returns: `impossible` or `refused`.
    static func error(_ message: String, status: Int) -> EngineError {
        let text = message.lowercased()
        let isFinal =
            status == 400 || status == 404
            || finalWords.contains { text.contains($0) }
        return EngineError(isFinal ? .impossible : .refused, message)
    }

    /// Of registries and engines, for what does not change by itself.
    ///
    /// A password that was wrong once must not be
    /// tried again and again.
    private static let finalWords = [
        "manifest unknown", "name unknown", "no matching manifest",
        "no image found in manifest list",
        "unauthorized", "no basic auth credentials", "authentication required", "denied",
        "invalid reference format", "normalizing name",
    ]
}

extension RegistryCredentials {
    /// As the API wants it: JSON in URL-safe base64 with padding.
    fileprivate var header: String {
        get throws {
            let hub = "https://index.docker.io/v1/"
            let json = try JSONEncoder().encode(
                RegistryAuthentication(
                    username: user, password: password, serveraddress: server.isEmpty ? hub : server
                ))
            return json.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
        }
    }
}

private struct RegistryAuthentication: Encodable {
    var username: String
    var password: String
    var serveraddress: String
}

/// What the API says of an image ("Inspect an image"), as far as it can be large.
struct FoundImage: Decodable, Sendable {
    struct Configuration: Decodable, Sendable {
        struct Nothing: Decodable, Sendable {}

        struct Healthcheck: Decodable, Sendable {
            var test: [String]?
            enum CodingKeys: String, CodingKey { case test = "Test" }
        }

        var labels: [String: String]?
        var environment: [String]?
        var entrypoint: [String]?
        var arguments: [String]?
        var ports: [String: Nothing]?
        var volumes: [String: Nothing]?
        var health: Healthcheck?
        var user: String?
        var folder: String?

        enum CodingKeys: String, CodingKey {
            case labels = "Labels"
            case environment = "Env"
            case entrypoint = "Entrypoint"
            case arguments = "Cmd"
            case ports = "ExposedPorts"
            case volumes = "Volumes"
            case health = "Healthcheck"
            case user = "User"
            case folder = "WorkingDir"
        }

        /// About as many as they have in JSON, as the engine sends them.
        var byteCount: Int {
            let lists = [environment, entrypoint, arguments, health?.test].flatMap { $0 ?? [] }
            let keys = [ports, volumes].flatMap { $0.map { Array($0.keys) } ?? [] }
            let pairs = (labels ?? [:]).flatMap { [$0.key, $0.value] }
            let words = lists + keys + pairs + [user, folder].compactMap { $0 }
            return words.reduce(0) { $0 + Self.byteCount(of: $1) }
        }

        /// With quotation marks, and a control character as `\u001b`.
        private static func byteCount(of word: String) -> Int {
            word.utf8.reduce(3) { $0 + ($1 < 0x20 ? 6 : $1 == 0x22 || $1 == 0x5c ? 2 : 1) }
        }
    }

    var configuration: Configuration?
    enum CodingKeys: String, CodingKey { case configuration = "Config" }
}
