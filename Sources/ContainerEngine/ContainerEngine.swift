/// A container engine on this host, as far as Boathook needs one: which containers there are, where
/// their file systems lie, and what changes.
package protocol ContainerEngine: Sendable {
    /// Who answers, such as `Docker 20.10.24`.
    func version() async throws -> String
    /// Ids of all containers that carry the label, or of all when it is nil.
    func containers(label: String?) async throws -> [Container.ID]
    /// One container as it is now; nil when there is none of that id or name.
    ///
    /// Waits while the engine is busy with the container, for `patience` at most.
    func inspect(_ id: Container.ID, patience: Duration) async throws -> Container?
    /// What happens to containers from now on. The stream ends by an error when the engine goes away.
    func events() async throws -> AsyncThrowingStream<ContainerEvent, any Error>
    /// One container as the engine's list has it, without waiting for the engine to be done with it: no
    /// process id, storage, mounts, environment or time of start. Nil when there is none of that id.
    func summary(of id: Container.ID) async throws -> Container?
    /// Mounts a stopped container's root for writing, and keeps the engine from starting it, if the
    /// engine can be kept from it (``StoppedRootHold/excludesStart``), until the hold is released.
    func holdStopped(_ container: Container) async throws -> any StoppedRootHold
    /// Starts a program inside a running container: the container's own, found by its own `PATH`.
    ///
    /// - Parameters:
    ///   - arguments: The program's name and what it is given.
    ///   - id: The container.
    ///   - willStart: Called with the engine's id of the program before it starts; when it throws, nothing is started.
    /// - Returns: What it writes, in its order of arrival, to its end. The engine tells nobody by itself how it ended.
    /// - Throws: ``EngineError``; what `willStart` throws.
    func execute(
        _ arguments: [String], in id: Container.ID, willStart: (String) async throws -> Void
    ) async throws -> AsyncThrowingStream<(EngineProcess.Stream, [UInt8]), any Error>
    /// How a program that was started inside a container stands; nil when the engine does not know it any more.
    func state(ofProgram id: String) async throws -> EngineProcess.State?

    /// What it says of itself.
    func information() async throws -> EngineInformation
    /// The names of its networks.
    func networks() async throws -> [String]
    /// One of its networks; nil when there is none of that name.
    func network(_ name: String) async throws -> EngineNetwork?
    /// Makes a network.
    ///
    /// - Throws: ``EngineError``: `nameTaken` when there is one of that name; `refused` when it cannot be.
    func makeNetwork(_ network: EngineNetwork) async throws
    /// Lets a stopped container have a network, by its name, from its next start on.
    func connect(_ id: Container.ID, to network: String) async throws
    /// All containers with the label, or all, as ``summary(of:)`` has them.
    func summaries(label: String?) async throws -> [Container]

    /// The size of what each container of an image gets from it beside its files: labels, variables, words of its
    /// command and the like; nil when it is not on this host.
    ///
    /// The engine lists it with each of them.
    func configurationByteCount(of image: ImageName) async throws -> Int?
    /// Fetches an image from its registry.
    ///
    /// - Parameters:
    ///   - image: What to fetch.
    ///   - credentials: For a registry that wants some.
    ///   - progress: Called whenever the engine tells something new, often.
    /// - Throws: ``EngineError``: `impossible` when trying again changes nothing.
    func pull(
        _ image: ImageName, credentials: RegistryCredentials?,
        progress: @escaping @Sendable (PullProgress) -> Void) async throws
    /// Asks an image's registry whether it gives the image to whoever has these credentials, also when it is here.
    ///
    /// - Parameters:
    ///   - image: What one wants to have.
    ///   - credentials: For a registry that wants some.
    /// - Throws: ``EngineError``: `impossible` when it does not, and trying again changes nothing.
    func checkAccess(to image: ImageName, credentials: RegistryCredentials?) async throws
    /// Makes a container, and does not start it.
    ///
    /// - Throws: ``EngineError``: `nameTaken` when there is one of that name; `noQuotas` when the engine cannot bound
    ///   what a container writes; `impossible` when trying again changes nothing.
    func create(_ creation: ContainerCreation) async throws -> Container.ID
    /// Starts a container that was made or stopped; one that runs is left as it is.
    ///
    /// - Throws: ``EngineError``: `impossible` when it has no such program; `noContainer`.
    func start(_ id: Container.ID) async throws
    /// Asks a container's first process to end, and ends it after the time of grace; one that does not run is left as
    /// it is.
    func stop(_ id: Container.ID, grace: Duration) async throws
    /// Stops a container as ``stop(_:grace:)`` does, and starts it.
    func restart(_ id: Container.ID, grace: Duration) async throws
    /// Lets a paused container go on.
    func resume(_ id: Container.ID) async throws
    /// Removes a container with its nameless volumes, whether it runs or not; one that is gone is no error.
    func remove(_ id: Container.ID) async throws
    /// How much a container has written beside its image; nil when there is none of that id.
    ///
    /// The engine counts file by file: it may take minutes, and the engine does not stop when nobody waits any more.
    func writtenByteCount(of id: Container.ID, patience: Duration) async throws -> Int64?
    /// What a container's first process wrote to its output.
    ///
    /// - Parameters:
    ///   - id: The container, running or not.
    ///   - tail: How many of the last lines; nil for all that the engine has kept.
    ///   - follow: Whether to go on until the container stops.
    /// - Returns: Its bytes, read only as fast as they are taken; a container with a terminal has no errors apart.
    /// - Throws: ``EngineError``: `noContainer`.
    func logs(
        of id: Container.ID, tail: Int?, follow: Bool
    ) async throws -> AsyncThrowingStream<(EngineProcess.Stream, [UInt8]), any Error>

    /// Makes a named volume; one that is there is left as it is.
    func makeVolume(_ name: String, labels: [String: String]) async throws
    /// The names of the volumes that carry all of the labels.
    func volumes(labels: [String: String]) async throws -> [String]
    /// Removes a volume that no container uses; one that is gone is no error.
    func removeVolume(_ name: String) async throws
}

/// A program that an engine runs inside a container.
package enum EngineProcess {
    package enum Stream: Sendable, Hashable {
        case stdout, stderr
    }

    package enum State: Sendable, Hashable {
        /// The engine has not begun with it.
        case created
        /// With its number on this host.
        case running(processID: Int32)
        case exited(code: Int)
    }
}

/// A stopped container's root, mounted by its engine.
package protocol StoppedRootHold: Sendable {
    /// The merged root on this host.
    var root: String { get }
    /// Whether the engine cannot start the container meanwhile.
    var excludesStart: Bool { get }
    /// Whether the engine still holds it for us.
    var isHeld: Bool { get }
    /// Lets the engine have its container back.
    func release() async
}

/// A container as the engine describes it.
package struct Container: Sendable, Hashable, Identifiable {
    package typealias ID = String
    /// 64 hexadecimal digits.
    package var id: ID
    /// Without a leading slash.
    package var name: String
    /// As the creator named it.
    package var image: String
    package var labels: [String: String]
    /// `NAME=value`, in order.
    package var environment: [String]
    /// The engine's word: created, running, paused, restarting, removing, exited, dead.
    package var status: String
    /// Host process id of its first process; 0 unless it runs.
    package var processID: Int32
    /// What went wrong when it was last started, or empty.
    package var failure: String
    /// How its first process ended; nil while it runs, or when nobody said.
    package var end: End?
    /// Unix seconds.
    package var createdAt: Double
    /// Unix seconds of its last start; nil if it never started.
    package var startedAt: Double?
    /// Whether the creator made its root unchangeable (`--read-only`).
    package var hasReadOnlyRoot: Bool
    package var storage: Storage
    package var mounts: [Mount]
    /// Ports that are reached from outside of this host; while it runs.
    package var ports: [Port]

    package init(
        id: ID, name: String, image: String, labels: [String: String], environment: [String],
        status: String, processID: Int32, failure: String, end: End? = nil, createdAt: Double,
        startedAt: Double?, hasReadOnlyRoot: Bool = false, storage: Storage, mounts: [Mount],
        ports: [Port] = []
    ) {
        self.id = id
        self.name = name
        self.image = image
        self.labels = labels
        self.environment = environment
        self.status = status
        self.processID = processID
        self.failure = failure
        self.end = end
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.hasReadOnlyRoot = hasReadOnlyRoot
        self.storage = storage
        self.mounts = mounts
        self.ports = ports
    }

    /// Whether a text is a full id: 64 lower-case hexadecimal digits.
    package static func isID(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// Whether processes of its own may be at work in it.
    package var isRunning: Bool { processID > 0 && status != "exited" && status != "created" }

    /// How a container's first process ended.
    package struct End: Sendable, Hashable {
        /// As shells tell it: 128 and the signal's number for one that a signal ended.
        package var code: Int
        /// Whether the kernel ended a process of the container for its memory.
        package var wasOutOfMemory: Bool

        package init(code: Int, wasOutOfMemory: Bool = false) {
            self.code = code
            self.wasOutOfMemory = wasOutOfMemory
        }
    }

    /// Where the file system lies on this host.
    package enum Storage: Sendable, Hashable {
        /// An overlay: the mount while it runs, and the layers, topmost first.
        case overlay(merged: String?, layers: [String])
        /// Something that we cannot reach into; the driver's name.
        case unsupported(driver: String)
    }

    /// A mount that the creator declared.
    package struct Mount: Sendable, Hashable {
        /// `volume`, `bind` or `tmpfs`.
        package var kind: String
        /// On this host.
        package var source: String
        /// In the container.
        package var destination: String
        package var isWritable: Bool
    }

    /// A port of the container, and the host's behind which it is reached.
    package struct Port: Sendable, Hashable {
        /// Such as `22/tcp`.
        package var port: String
        package var hostAddress: String
        package var hostPort: Int

        package init(port: String, hostAddress: String, hostPort: Int) {
            self.port = port
            self.hostAddress = hostAddress
            self.hostPort = hostPort
        }
    }
}

/// Something happened to a container.
package struct ContainerEvent: Sendable, Hashable {
    package var containerID: Container.ID
    /// The engine's word, such as `start`, `die` or `destroy`.
    package var action: String
}

/// Why the engine did not do what it was asked.
package struct EngineError: Error, Sendable, Hashable, CustomStringConvertible {
    package var code: Code
    /// For the operator.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(code): \(message)" }

    /// The kind of failure.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        package let description: String
        /// Nobody answers at the socket.
        package static let unreachable = Code(description: "unreachable")
        /// The engine answered with an error, or with something that we cannot read.
        package static let refused = Code(description: "refused")
        /// The engine did not keep the container from being started.
        package static let notHeld = Code(description: "not_held")
        /// Trying again changes nothing: no such image, no such program.
        package static let impossible = Code(description: "impossible")
        /// Another container has the name.
        package static let nameTaken = Code(description: "name_taken")
        /// The engine cannot bound what a container writes.
        package static let noQuotas = Code(description: "no_quotas")
        /// There is no container of that id.
        package static let noContainer = Code(description: "no_container")
    }
}
