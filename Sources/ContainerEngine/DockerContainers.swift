internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOFoundationEssentialsCompat
internal import NIOHTTP1

// How containers come and go.
extension DockerEngine {
    package func create(_ creation: ContainerCreation) async throws -> Container.ID {
        let response = try await execute(
            .POST, "/containers/create?name=\(Self.queryValue(creation.name.utf8))",
            json: Data(try creation.body()), deadline: .now() + Self.createPatience)
        if response.status == .created {
            let body = try await response.body.collect(upTo: 1 << 20)
            return try JSONDecoder().decode(MadeContainer.self, from: body).id
        }
        let message = try await message(of: response)
        throw CreateFailure.error(message, status: Int(response.status.code))
    }

    package func start(_ id: Container.ID) async throws {
        let response = try await call(.POST, "/containers/\(id)/start", within: .minutes(2))
        guard let failure = response else { return }
        throw StartFailure.error(failure.message, status: failure.status)
    }

    package func stop(_ id: Container.ID, grace: Duration) async throws {
        try await callOrThrow(
            .POST, "/containers/\(id)/stop?t=\(grace.components.seconds)",
            within: TimeAmount(grace) + .minutes(1))
    }

    package func restart(_ id: Container.ID, grace: Duration) async throws {
        try await callOrThrow(
            .POST, "/containers/\(id)/restart?t=\(grace.components.seconds)",
            within: TimeAmount(grace) + .minutes(2))
    }

    package func resume(_ id: Container.ID) async throws {
        try await callOrThrow(.POST, "/containers/\(id)/unpause", within: .seconds(30))
    }

    package func remove(_ id: Container.ID) async throws {
        let failure = try await call(
            .DELETE, "/containers/\(id)?force=1&v=1", within: .minutes(5))
        // Gone is what was wanted.
        guard let failure, failure.status != 404 else { return }
        throw EngineError(.refused, failure.message)
    }

    package func writtenByteCount(
        of id: Container.ID, patience: Duration
    ) async throws -> Int64? {
        let reply: MeasuredContainer? = try await get(
            "/containers/\(id)/json?size=1", timeout: .init(patience))
        return reply?.written
    }

    /// What went wrong, as the engine says it.
    private struct Failure {
        var status: Int
        var message: String
    }

    private func callOrThrow(
        _ method: HTTPMethod, _ path: String, within time: TimeAmount
    ) async throws {
        guard let failure = try await call(method, path, within: time) else { return }
        throw EngineError(failure.status == 404 ? .noContainer : .refused, failure.message)
    }

    /// - Returns: Nil when it is done, or was so before (304).
    private func call(
        _ method: HTTPMethod, _ path: String, within time: TimeAmount
    ) async throws -> Failure? {
        let response = try await execute(method, path, deadline: .now() + time)
        let isDone = [.ok, .noContent, .notModified].contains(response.status)
        let message = try await message(of: response)
        return isDone ? nil : Failure(status: Int(response.status.code), message: message)
    }

    /// It copies what an image has where a new volume is mounted.
    private static let createPatience = TimeAmount.minutes(10)
}

/// What a failed creation means.
enum CreateFailure {
    static func error(_ message: String, status: Int) -> EngineError {
        // Said before anything was made: it takes overlay2 on xfs with pquota, or btrfs, or zfs. The second is what
        // Docker's vfs says (seen with 20.10).
        if message.contains("--storage-opt") || message.contains("not enabled quotas") {
            return EngineError(.noQuotas, message)
        }
        // Podman says it with 500.
        if status == 409 || message.contains("is already in use") {
            return EngineError(.nameTaken, message)
        }
        return EngineError(status == 400 ? .impossible : .refused, message)
    }
}

/// What a failed start means for those who would try again.
enum StartFailure {
    /// - Parameters:
    ///   - message: The engine's.
    ///   - status: Of its answer. Docker says 400 when the program cannot be executed, Podman 500 always.
    /// - Returns: `impossible`, `noContainer` or `refused`.
    static func error(_ message: String, status: Int) -> EngineError {
        if status == 404 { return EngineError(.noContainer, message) }
        let isFinal =
            status == 400
            || (message.contains("exec: \"")
                && finalWords.contains { message.contains($0) })
        return EngineError(isFinal ? .impossible : .refused, message)
    }

    private static let finalWords = [
        "executable file not found", "no such file or directory", "permission denied",
        "exec format error",
    ]
}

private struct MadeContainer: Decodable {
    var id: String
    enum CodingKeys: String, CodingKey { case id = "Id" }
}

private struct MeasuredContainer: Decodable, Sendable {
    var written: Int64?
    enum CodingKeys: String, CodingKey { case written = "SizeRw" }
}
