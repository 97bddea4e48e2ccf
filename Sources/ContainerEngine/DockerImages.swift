internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1

extension DockerEngine {
    package func hasImage(_ image: ImageName) async throws -> Bool {
        // Its grammar leaves nothing in it that a path would read otherwise.
        let reply: FoundImage? = try await get(
            "/images/\(image)/json", timeout: .seconds(30))
        return reply != nil
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

private struct FoundImage: Decodable, Sendable {
    var id: String
    enum CodingKeys: String, CodingKey { case id = "Id" }
}
