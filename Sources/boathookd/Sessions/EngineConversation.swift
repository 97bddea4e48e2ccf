import FoundationEssentials
import Glibc

/// The engine's API by a plain socket: one connection a request, each wait bounded.
///
/// A login is one process that does nothing else, so it may block; and a stream that was taken over ("hijacked",
/// Docker Engine API, "Attach to a container") must be half-closed at the end of the input, which HTTP clients
/// do not do.
struct EngineConversation {
    let socketPath: String

    struct Answer {
        var status: Int
        /// What came behind the head.
        var rest: [UInt8]
    }

    /// A request whose answer is read to its end.
    ///
    /// - Throws: ``SessionError`` when the engine does not answer.
    func request(_ method: String, _ path: String, body: [UInt8] = []) throws(SessionError)
        -> Answer
    {
        let connection = try connect()
        defer { close(connection) }
        // Of version 1.0: an answer to it ends with the connection and is not in chunks.
        try send(connection, "\(method) \(path) HTTP/1.0", "", body)
        var answer = try head(of: connection)
        while let more = try receive(connection) { answer.rest += more }
        return answer
    }

    /// A request that turns the connection into the streams of a program.
    ///
    /// - Returns: The connection, to be closed by the caller, and the answer.
    /// - Throws: ``SessionError`` when the engine does not answer.
    func upgrade(
        _ path: String, body: [UInt8]
    ) throws(SessionError) -> (connection: CInt, answer: Answer) {
        let connection = try connect()
        do throws(SessionError) {
            try send(
                connection, "POST \(path) HTTP/1.1", "Upgrade: tcp\r\nConnection: Upgrade\r\n", body
            )
            return (connection, try head(of: connection))
        } catch {
            close(connection)
            throw error
        }
    }

    private func connect() throws(SessionError) -> CInt {
        let connection = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array(socketPath.utf8)
        guard connection >= 0, path.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Self.unreachable
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            close(connection)
            throw Self.unreachable
        }
        return connection
    }

    private func send(
        _ connection: CInt, _ line: String, _ fields: String, _ body: [UInt8]
    ) throws(SessionError) {
        let head = """
            \(line)\r\nHost: engine\r\nContent-Type: application/json\r\n\
            Content-Length: \(body.count)\r\n\(fields)\r\n
            """
        var bytes = (Array(head.utf8) + body)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Self.unreachable }
            bytes = bytes.dropFirst(count)
        }
    }

    private func head(of connection: CInt) throws(SessionError) -> Answer {
        var bytes: [UInt8] = []
        while bytes.count < 1 << 16, let more = try receive(connection) {
            bytes += more
            guard let end = bytes.firstRange(of: [13, 10, 13, 10]) else { continue }
            let words = bytes[..<end.lowerBound].prefix(while: { $0 != 13 }).split(separator: 32)
            guard words.count > 1, let status = Int(String(decoding: words[1], as: UTF8.self))
            else {
                break
            }
            return Answer(status: status, rest: Array(bytes[end.upperBound...]))
        }
        throw Self.unreachable
    }

    /// Nil at the end.
    private func receive(_ connection: CInt) throws(SessionError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(connection, &bytes, bytes.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Self.unreachable }
            return count == 0 ? nil : Array(bytes[..<count])
        }
    }

    private static let unreachable = SessionError(
        "the container engine of this machine does not answer; try again later")
}
