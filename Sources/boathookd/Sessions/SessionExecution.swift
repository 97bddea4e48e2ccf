import Agent
import FoundationEssentials
import Glibc

/// A program in the container, begun through the engine (Docker Engine API, "Exec").
struct SessionExecution {
    let id: String
    private let engine: EngineConversation
    /// Its streams: one after the other when it has a terminal, else in frames.
    let connection: CInt
    /// What has come of them already.
    let beginning: [UInt8]

    /// - Parameters:
    ///   - arguments: The program's words.
    ///   - environment: `NAME=value`, beside those of the container.
    ///   - door: Where it is to run.
    ///   - hasTerminal: Whether it gets a terminal of its own.
    /// - Throws: ``SessionError`` when the container does not run, or the engine refuses.
    init(
        _ arguments: [String], environment: [String], in door: SSHDoorFile, hasTerminal: Bool
    ) throws(SessionError) {
        engine = EngineConversation(socketPath: door.engineSocket)
        let wish = Wish(hasTerminal: hasTerminal, arguments: arguments, environment: environment)
        let made = try engine.request(
            "POST", "/containers/\(door.containerID)/exec", body: Self.json(wish))
        guard made.status == 201, let id: Made = Self.read(made.rest) else {
            throw Self.refusal(made.status, door, by: engine)
        }
        self.id = id.id
        let started = try engine.upgrade(
            "/exec/\(id.id)/start", body: Self.json(Start(hasTerminal: hasTerminal)))
        guard started.answer.status == 101 || started.answer.status == 200 else {
            close(started.connection)
            throw Self.refusal(started.answer.status, door, by: engine)
        }
        connection = started.connection
        beginning = started.answer.rest
    }

    enum State {
        /// With its number on this host; 0 while it has none.
        case running(processID: Int32)
        case ended(status: Int32)
        /// Its container is gone.
        case unknown
    }

    func state() -> State {
        guard let answer = try? engine.request("GET", "/exec/\(id)/json"), answer.status == 200,
            let state: Inspection = Self.read(answer.rest)
        else { return .unknown }
        return state.isRunning
            ? .running(processID: state.processID ?? 0) : .ended(status: state.exitCode ?? 255)
    }

    /// Tells the program's terminal its size.
    ///
    /// - Returns: Whether it is told; not before the program runs.
    func resize(_ size: winsize) -> Bool {
        let path = "/exec/\(id)/resize?h=\(size.ws_row)&w=\(size.ws_col)"
        return (try? engine.request("POST", path))?.status ?? 500 < 300
    }

    /// The status that the program ended with, once the engine knows it; its streams end a little before.
    func endStatus() throws(SessionError) -> Int32 {
        for _ in 0..<500 {
            switch state() {
            case .ended(let status): return status
            case .unknown: throw SessionError("the instance was stopped or removed")
            case .running: usleep(20_000)
            }
        }
        throw SessionError("the program does not end, though its streams are closed")
    }

    /// Ends the program, whose user is gone: SIGHUP to all of its process group, as the kernel does when a terminal
    /// goes away, and after a while SIGKILL to itself.
    ///
    /// One that ignores SIGHUP, as nohup(1) has it, is meant to stay, and does. The engine has no way to send
    /// signals to what it executes, but says its number on this host.
    func end() {
        guard let process = RunningProcess(self) else { return }
        process.signalGroup(SIGHUP)
        for _ in 0..<150 {
            guard case .running = state() else { return }
            usleep(20_000)
        }
        if !process.ignoresHangUp { process.kill() }
    }

    private static func refusal(
        _ status: Int, _ door: SSHDoorFile, by engine: EngineConversation
    ) -> SessionError {
        let instance = "instance \(door.instanceID)"
        // Engines have different statuses for it.
        let answer = try? engine.request("GET", "/containers/\(door.containerID)/json")
        guard let answer, answer.status != 404 else {
            return SessionError("\(instance) has no container at the moment")
        }
        guard let container: ContainerInspection = read(answer.rest),
            container.state.isRunning, !container.state.isPaused
        else { return SessionError("\(instance) is not running") }
        return SessionError("\(instance) cannot be entered (\(status))")
    }

    private static func json(_ value: some Encodable) throws(SessionError) -> [UInt8] {
        do { return Array(try JSONEncoder().encode(value)) } catch {
            throw SessionError("the command cannot be passed on")
        }
    }

    private static func read<Value: Decodable>(_ bytes: [UInt8]) -> Value? {
        try? JSONDecoder().decode(Value.self, from: Data(bytes))
    }
}

private struct Wish: Encodable {
    let hasTerminal: Bool
    let arguments: [String]
    let environment: [String]
    let attachesInput = true
    let attachesOutput = true
    let attachesError = true
    /// Whoever logs in is root, whatever user the image has.
    let user = "0"
    /// Keys by which the engine would let go of the terminal: some that nobody types.
    ///
    /// There is no way to have none, and the default, Ctrl-P Ctrl-Q, would hold back each Ctrl-P.
    let detachKeys = "ctrl-^,ctrl-_,ctrl-^,ctrl-_,ctrl-^,ctrl-_,ctrl-^,ctrl-_,ctrl-^,ctrl-_"

    enum CodingKeys: String, CodingKey {
        case hasTerminal = "Tty"
        case arguments = "Cmd"
        case environment = "Env"
        case attachesInput = "AttachStdin"
        case attachesOutput = "AttachStdout"
        case attachesError = "AttachStderr"
        case user = "User"
        case detachKeys = "DetachKeys"
    }
}

private struct Start: Encodable {
    let hasTerminal: Bool
    let detaches = false

    enum CodingKeys: String, CodingKey {
        case hasTerminal = "Tty"
        case detaches = "Detach"
    }
}

private struct Made: Decodable {
    let id: String

    enum CodingKeys: String, CodingKey { case id = "Id" }
}

private struct Inspection: Decodable {
    let isRunning: Bool
    let exitCode: Int32?
    let processID: Int32?

    enum CodingKeys: String, CodingKey {
        case isRunning = "Running"
        case exitCode = "ExitCode"
        case processID = "Pid"
    }
}

private struct ContainerInspection: Decodable {
    struct State: Decodable {
        let isRunning: Bool
        let isPaused: Bool

        enum CodingKeys: String, CodingKey {
            case isRunning = "Running"
            case isPaused = "Paused"
        }
    }

    let state: State

    enum CodingKeys: String, CodingKey { case state = "State" }
}
