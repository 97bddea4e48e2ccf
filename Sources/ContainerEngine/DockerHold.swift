internal import Glibc
internal import NIOPosix

/// Docker's own lock on a stopped container, taken through its archive call.
///
/// `GET /containers/{id}/archive` mounts the container's root, takes the container's lock, and gives
/// both back when its answer has been read or its connection is closed. An answer that nobody reads
/// therefore keeps Docker from starting, committing or removing the container, while its root is
/// mounted once, by Docker: never is there a second overlay on one upper directory
/// (`docs/jail.md`, "Writing in a stopped instance"; security.md, X8).
///
/// A root so small that its whole archive fits into the socket's buffers cannot be held: Docker is
/// done with it at once, and closes the connection, which is how we know.
final class DockerHold: StoppedRootHold {
    let root: String
    private let connection: CInt
    private let threads: NIOThreadPool

    private init(root: String, connection: CInt, threads: NIOThreadPool) {
        self.root = root
        self.connection = connection
        self.threads = threads
    }

    deinit {
        close(connection)
    }

    static func take(_ container: Container, engine: DockerEngine) async throws -> DockerHold {
        guard case .overlay(let merged?, _) = container.storage else {
            throw EngineError(.notHeld, "the engine names no merged root")
        }
        return try await engine.threads.runIfActive {
            let connection = try connect(engine.socketPath)
            let hold = DockerHold(root: merged, connection: connection, threads: engine.threads)
            try send("GET /containers/\(container.id)/archive?path=/ HTTP/1.1\r\n"
                + "Host: docker\r\nConnection: close\r\n\r\n", to: connection)
            try readHead(from: connection)
            guard hold.isHeld else {
                throw EngineError(
                    .notHeld,
                    "the container's root is too small for Docker to be kept from starting it")
            }
            return hold
        }
    }

    /// Docker closes the connection when, and only when, it has let go.
    var isHeld: Bool {
        var entry = pollfd(fd: connection, events: Self.peerClosed, revents: 0)
        return poll(&entry, 1, 0) == 0
    }

    /// `POLLRDHUP` of poll(2), which Swift's Glibc leaves out.
    private static let peerClosed: Int16 = 0x2000

    /// Returns when Docker can no longer take this connection for a reader. Docker lets go of the
    /// container as soon as its next write fails.
    func release() async {
        _ = try? await threads.runIfActive { [connection] in
            shutdown(connection, CInt(SHUT_RDWR))
        }
    }

    private static func connect(_ path: String) throws -> CInt {
        let connection = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard connection >= 0 else { throw failure("socket") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity else {
            close(connection)
            throw EngineError(.unreachable, "the socket's path is too long")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        // A head that does not come within a minute does not come.
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(
            connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
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

    private static func send(_ text: String, to connection: CInt) throws {
        let bytes = Array(text.utf8)
        guard Glibc.send(connection, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count
        else { throw failure("send") }
    }

    /// Reads the head byte by byte, so that not one byte of the archive is taken from the buffers.
    private static func readHead(from connection: CInt) throws {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            var byte: UInt8 = 0
            guard recv(connection, &byte, 1, 0) == 1, head.count < 16_384 else {
                throw EngineError(.refused, "no answer to the archive call")
            }
            head.append(byte)
        }
        let line = String(decoding: head.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
        guard line.hasSuffix(" 200 OK") else { throw EngineError(.refused, line) }
    }

    private static func failure(_ call: String) -> EngineError {
        EngineError(.unreachable, "\(call): \(String(cString: strerror(errno)))")
    }
}
