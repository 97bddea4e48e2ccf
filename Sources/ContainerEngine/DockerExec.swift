internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOFoundationEssentialsCompat
internal import NIOHTTP1

/// Programs inside containers (Docker Engine API, "Exec").
extension DockerEngine {
    package func execute(
        _ arguments: [String], in id: Container.ID, willStart: (String) async throws -> Void
    ) async throws -> AsyncThrowingStream<(EngineProcess.Stream, [UInt8]), any Error> {
        let wish = try JSONEncoder().encode(ExecWish(arguments: arguments))
        let made = try await execute(
            .POST, "/containers/\(id)/exec", json: wish, deadline: .now() + .seconds(30))
        guard made.status == .created else { throw try await refusal(made) }
        let exec = try JSONDecoder().decode(
            ExecMade.self, from: try await made.body.collect(upTo: 1 << 20)
        ).id
        // It becomes a part of paths.
        guard Container.isID(exec) else {
            throw EngineError(.refused, "The engine gave the program no id.")
        }
        try await willStart(exec)
        let start = try JSONEncoder().encode(ExecStart())
        let started = try await execute(
            .POST, "/exec/\(exec)/start", json: start, deadline: .distantFuture)
        guard started.status == .ok || started.status == .switchingProtocols else {
            throw try await refusal(started)
        }
        return EngineOutput.stream(of: started, isFramed: true)
    }

    package func state(ofProgram id: String) async throws -> EngineProcess.State? {
        // Who asks asks again.
        let state: ExecState? = try await get("/exec/\(id)/json", timeout: .seconds(3))
        guard let state else { return nil }
        if state.isRunning ?? false {
            // Docker says so before there is a process.
            guard let id = state.processID, id > 0 else { return .created }
            return .running(processID: id)
        }
        // Docker answers the request to start before it has begun, and a code comes with the end alone.
        return state.exitCode.map { .exited(code: $0) } ?? .created
    }
}

private struct ExecWish: Encodable {
    let arguments: [String]
    let attachesOutput = true
    let attachesError = true

    enum CodingKeys: String, CodingKey {
        case arguments = "Cmd"
        case attachesOutput = "AttachStdout"
        case attachesError = "AttachStderr"
    }
}

private struct ExecStart: Encodable {
    let detaches = false
    let hasTerminal = false

    enum CodingKeys: String, CodingKey {
        case detaches = "Detach"
        case hasTerminal = "Tty"
    }
}

private struct ExecMade: Decodable {
    let id: String

    enum CodingKeys: String, CodingKey { case id = "Id" }
}

private struct ExecState: Decodable, Sendable {
    let isRunning: Bool?
    let exitCode: Int?
    let processID: Int32?

    enum CodingKeys: String, CodingKey {
        case isRunning = "Running"
        case exitCode = "ExitCode"
        case processID = "Pid"
    }
}
