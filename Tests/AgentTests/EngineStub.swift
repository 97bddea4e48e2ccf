import Foundation
import Synchronization
import Testing

/// What speaks for an engine in the moments that no real one can be brought to: a server at a Unix socket, which starts
/// `sleep` on this host when it is asked to start a program.
final class EngineStub: Sendable {
    /// How it treats whoever reads a program's output.
    enum Output: Sendable {
        /// Leaves it open.
        case open
        /// Breaks it off behind the first bytes.
        case brokenOff
        /// Breaks it off once the program has ended by itself.
        case brokenOffAtEnd
    }

    private struct State {
        var requests: [String] = []
        var silentAnswers = 0
        var process: pid_t = 0
        var status: CInt?
        var connections: [CInt] = []
        var isClosed = false
    }

    let path: String
    let output: Output
    private let listener: CInt
    private let state = Mutex(State())

    /// - Parameters:
    ///   - path: Of the socket.
    ///   - output: How it treats who reads.
    ///   - silentAnswers: How many times it answers 500 to the question how the program stands.
    /// - Throws: When the socket cannot be.
    init(path: String, output: Output = .open, silentAnswers: Int = 0) throws {
        self.path = path
        self.output = output
        listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        state.withLock { $0.silentAnswers = silentAnswers }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(listener, 16) == 0 else { throw POSIXError(.EADDRINUSE) }
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                state.withLock { $0.connections.append(connection) }
                Thread.detachNewThread { [self] in serve(connection) }
            }
        }
    }

    var requests: [String] { state.withLock { $0.requests } }

    /// The process that it started; 0 for none.
    var process: pid_t { state.withLock { $0.process } }

    /// From now on it answers.
    func answer() {
        state.withLock { $0.silentAnswers = 0 }
    }

    /// How the program has ended, as wait(2) says it; nil while it runs.
    var status: CInt? {
        state.withLock { state in
            guard state.process > 0, state.status == nil else { return state.status }
            var status: CInt = 0
            if waitpid(state.process, &status, WNOHANG) == state.process { state.status = status }
            return state.status
        }
    }

    /// The signal that ended the program, waited for.
    func waitForSignal() async throws -> CInt {
        let process = process
        await withCheckedContinuation { continuation in
            // Waits without collecting it, which is for `status` to do.
            Thread.detachNewThread {
                var info = siginfo_t()
                while waitid(P_PID, id_t(process), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
                continuation.resume()
            }
        }
        return try #require(status) & 0x7F
    }

    /// Starts the program without being asked.
    func startProgram(_ words: [String] = ["sleep", "1000"]) {
        var process: pid_t = 0
        let arguments = words.map { strdup($0) } + [nil]
        posix_spawn(&process, "/usr/bin/\(words[0])", nil, nil, arguments, environ)
        arguments.forEach { free($0) }
        state.withLock { $0.process = process }
    }

    func close() {
        shutdown(listener, CInt(SHUT_RDWR))
        Glibc.close(listener)
        let process = state.withLock { state in
            for connection in state.connections { shutdown(connection, CInt(SHUT_RDWR)) }
            return state.status == nil ? state.process : 0
        }
        guard process > 0 else { return }
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
    }

    private func serve(_ connection: CInt) {
        while let request = read(connection) {
            state.withLock { $0.requests.append(request) }
            if request.hasSuffix("/exec") {
                send(connection, "201 Created", #"{"Id":"\#(Self.id)"}"#)
            } else if request.hasSuffix("/start") {
                startProgram(output == .brokenOffAtEnd ? ["true"] : ["sleep", "1000"])
                // More than ever comes.
                write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                write(connection, "\u{1}\0\0\0\0\0\0\u{6}begun\n")
                if output == .open { continue }
                if output == .brokenOffAtEnd {
                    waitid(P_PID, id_t(process), nil, WEXITED | WNOWAIT)
                }
                shutdown(connection, CInt(SHUT_RDWR))
                return
            } else {
                let isSilent = state.withLock { state in
                    state.silentAnswers -= 1
                    return state.silentAnswers >= 0
                }
                if isSilent {
                    send(connection, "500 Internal Server Error", #"{"message":"not now"}"#)
                } else if let status {
                    let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
                    send(connection, "200 OK", #"{"Running":false,"ExitCode":\#(code),"Pid":0}"#)
                } else {
                    send(
                        connection, "200 OK", #"{"Running":true,"ExitCode":null,"Pid":\#(process)}"#
                    )
                }
            }
        }
    }

    /// The next request's method and path; nil at the end.
    private func read(_ connection: CInt) -> String? {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            if let head = text.range(of: "\r\n\r\n") {
                let length =
                    text.lowercased().split(separator: "\r\n").first {
                        $0.hasPrefix("content-length:")
                    }
                    .flatMap {
                        Int($0.split(separator: ":")[1].trimmingCharacters(in: .whitespaces))
                    } ?? 0
                if text[head.upperBound...].utf8.count >= length {
                    return text.split(separator: " ").prefix(2).joined(separator: " ")
                }
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    private func send(_ connection: CInt, _ status: String, _ body: String) {
        write(
            connection,
            "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
    }

    private func write(_ connection: CInt, _ text: String) {
        let bytes = Array(text.utf8)
        Glibc.send(connection, bytes, bytes.count, CInt(MSG_NOSIGNAL))
    }

    static let id = String(repeating: "ab", count: 32)
}
