internal import Glibc
internal import NIOPosix

/// Docker's own lock on a stopped container, taken through its upload call.
///
/// `PUT /containers/{id}/archive` takes the container's lock and mounts its root before it reads the
/// first byte of what is uploaded, and gives both back when the upload ends. An upload that does not go
/// on therefore keeps Docker from starting, committing or removing the container, while its root is
/// mounted once, by Docker: never is there a second overlay on one upper directory (docs/jail.md,
/// "Writing in a stopped instance"; security.md, X8). Nothing is ever uploaded, so Docker never comes to
/// unpacking.
///
/// The download call locks in the same way, but it reads the instance's files as it goes: a FIFO as
/// `/etc/passwd` stops it for ever, with the lock held (seen with Docker 20.10.24).
final class DockerHold: StoppedRootHold {
    let root: String
    let excludesStart = true
    private let connection: CInt
    /// Says nothing, and is closed when Docker dies.
    private let lifeline: CInt
    private let mountID: Substring
    private let threads: NIOThreadPool
    private let socketPath: String

    private init(
        root: String, connection: CInt, lifeline: CInt, mountID: Substring, engine: DockerEngine
    ) {
        self.root = root
        self.connection = connection
        self.lifeline = lifeline
        self.mountID = mountID
        threads = engine.threads
        socketPath = engine.socketPath
    }

    deinit {
        close(connection)
        close(lifeline)
    }

    static func take(_ container: Container, engine: DockerEngine) async throws -> DockerHold {
        guard case .overlay(let merged?, _) = container.storage else {
            throw EngineError(.notHeld, "the engine names no merged root")
        }
        return try await engine.threads.runIfActive {
            let mounts = try MountWatch()
            let deadline = ContinuousClock.now + patience
            // Somebody else's hold, such as a `docker cp`, is waited for.
            while mounts.overlayID(at: merged) != nil {
                guard try mounts.waitForChange(or: -1, until: deadline) else {
                    throw EngineError(.notHeld, "the engine is busy with the container")
                }
            }
            let lifeline = try UnixSocket.connect(engine.socketPath)
            let connection: CInt
            do {
                connection = try UnixSocket.connect(engine.socketPath)
            } catch {
                close(lifeline)
                throw error
            }
            do {
                try UnixSocket.send(
                    "PUT /containers/\(container.id)/archive?path=/ HTTP/1.1\r\nHost: docker\r\n"
                        + "Content-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n\r\n",
                    to: connection)
                while true {
                    if let mountID = mounts.overlayID(at: merged) {
                        return DockerHold(
                            root: merged, connection: connection, lifeline: lifeline,
                            mountID: mountID, engine: engine)
                    }
                    guard try mounts.waitForChange(or: connection, until: deadline) else {
                        throw EngineError(.notHeld, "the engine did not mount the container")
                    }
                    if UnixSocket.hasAnswer(connection) {
                        throw EngineError(.notHeld, UnixSocket.statusLine(of: connection))
                    }
                }
            } catch {
                if UnixSocket.isBroken(lifeline), mounts.overlayID(at: merged) != nil,
                    isAnother(engine.socketPath, than: UnixSocket.peerProcess(lifeline))
                {
                    removeOrphan(merged)
                }
                close(connection)
                close(lifeline)
                throw error
            }
        }
    }

    /// Docker has not answered, and its mount is the one that we were given.
    var isHeld: Bool {
        !UnixSocket.hasAnswer(connection)
            && (try? MountWatch())?.overlayID(at: root) == mountID
    }

    /// Ends the upload; Docker lets go of the container as soon as it sees that.
    func release() async {
        shutdown(connection, CInt(SHUT_RDWR))
        // Nobody waits for this: Docker takes some milliseconds, or is dead and never does it.
        Task { try? await threads.runIfActive { try self.watchUnmount() } }
    }

    /// Blocks until Docker has taken its mount away, or does it if Docker dies first.
    private func watchUnmount() throws {
        let mounts = try MountWatch()
        let deadline = ContinuousClock.now + Self.patience
        while mounts.overlayID(at: root) == mountID {
            if UnixSocket.isBroken(lifeline) {
                let former = UnixSocket.peerProcess(lifeline)
                if Self.isAnother(socketPath, than: former) { Self.removeOrphan(root) }
                return
            }
            guard try mounts.waitForChange(or: lifeline, until: deadline) else { return }
        }
    }

    /// Whether the Docker that we spoke with is not there any more: nobody answers, or another process does.
    ///
    /// A living one may close a line on which nothing is said.
    private static func isAnother(_ socketPath: String, than former: UInt32?) -> Bool {
        guard let connection = try? UnixSocket.connect(socketPath) else { return true }
        defer { close(connection) }
        return UnixSocket.peerProcess(connection) != former
    }

    /// Docker died while it held the container, and left its mount: the next Docker would take it for one in
    /// use for ever, and nobody could hold or remove the container (found by `make chaos`).
    private static func removeOrphan(_ root: String) {
        // With the mounts in it, even while the tool that was started on it still runs.
        umount2(root, CInt(MNT_DETACH))
    }

    /// How long Docker may take to have the container mounted.
    private static let patience = Duration.seconds(10)
}
