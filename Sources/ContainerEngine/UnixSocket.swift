internal import Glibc

/// A stream to a Unix socket, as far as an upload that never goes on needs one: HTTP clients finish
/// what they begin.
enum UnixSocket {
    static func connect(_ path: String) throws(EngineError) -> CInt {
        let connection = socket(
            AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard connection >= 0 else { throw failure("socket") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            close(connection)
            throw EngineError(.unreachable, "the socket's path is too long")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let error = failure("connect")
            close(connection)
            throw error
        }
        return connection
    }

    static func send(_ text: String, to connection: CInt) throws(EngineError) {
        let bytes = Array(text.utf8)
        guard Glibc.send(connection, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count else {
            throw failure("send")
        }
    }

    /// The process that listens on the other side (unix(7), `SO_PEERCRED`); nil when the kernel does not say.
    static func peerProcess(_ connection: CInt) -> UInt32? {
        // Process, user and group.
        var credentials: [UInt32] = [0, 0, 0]
        var length = socklen_t(credentials.count * MemoryLayout<UInt32>.size)
        guard getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else {
            return nil
        }
        return credentials[0]
    }

    /// Whether the peer has gone without a word.
    static func isBroken(_ connection: CInt) -> Bool {
        var byte: UInt8 = 0
        let count = recv(connection, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)
    }

    /// Whether the peer said something, or went.
    static func hasAnswer(_ connection: CInt) -> Bool {
        var entry = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) != 0
    }

    /// The first line of an answer that is there.
    static func statusLine(of connection: CInt) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(connection, &bytes, bytes.count, CInt(MSG_DONTWAIT))
        let answer = String(decoding: bytes[..<max(0, count)], as: UTF8.self)
        return answer.split(whereSeparator: \.isNewline).first.map(String.init) ?? "no answer"
    }

    private static func failure(_ call: String) -> EngineError {
        EngineError(.unreachable, "\(call): \(String(cString: strerror(errno)))")
    }
}
