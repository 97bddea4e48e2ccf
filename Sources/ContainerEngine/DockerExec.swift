internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOFoundationEssentialsCompat
internal import NIOHTTP1

/// Programs inside containers (Docker Engine API, "Exec").
extension DockerEngine {
    package func execute(
        _ arguments: [String], in id: Container.ID
    ) async throws -> EngineProcess {
        let wish = try JSONEncoder().encode(ExecWish(arguments: arguments))
        let made = try await execute(
            .POST, "/containers/\(id)/exec", json: wish, deadline: .now() + .seconds(30))
        guard made.status == .created else { throw try await refusal(made) }
        let exec = try JSONDecoder().decode(
            ExecMade.self, from: try await made.body.collect(upTo: 1 << 20)
        ).id
        let start = try JSONEncoder().encode(ExecStart())
        let started = try await execute(
            .POST, "/exec/\(exec)/start", json: start, deadline: .distantFuture)
        guard started.status == .ok || started.status == .switchingProtocols else {
            throw try await refusal(started)
        }
        return EngineProcess(output: EngineOutput.stream(of: started, isFramed: true)) { [self] in
            let state: ExecState? = try await get("/exec/\(exec)/json", timeout: .seconds(10))
            guard let state else {
                throw EngineError(.refused, "The engine has forgotten the program.")
            }
            return state.isRunning ?? false
                ? .running(processID: state.processID ?? 0) : .exited(code: state.exitCode ?? 0)
        }
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
