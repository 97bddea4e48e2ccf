internal import AgentLink
internal import ContainerEngine
internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOPosix

/// An SSH server of the machine's for each instance that has one, for as long as its container exists.
///
/// Containers say by their labels which port is theirs, and wishes whom to let in. The keys that were wished last
/// are kept on disk, since the server does not repeat wishes that are carried out; everything else is found out
/// anew at each start.
final class SSHServers: Sendable {
    private enum Change: Sendable {
        case everything
        case container(Container.ID)
        case unwanted(Int64)
    }

    /// A container with a port for SSH.
    private struct Wanted {
        var instance: Int64
        var generation: Int64
        var container: Container.ID
        var port: Int
    }

    private struct State {
        /// Instances of which there was a wish since the start; false when there is to be none any more.
        var wishes: [Int64: Bool] = [:]
        var doors: [Int64: (door: SSHDoor, wanted: Wanted)] = [:]
        var endsUnusedConnections = false
    }

    private let engine: any ContainerEngine
    private let agentID: String
    private let folder: SSHFolder
    private let settings: SSHSettings
    private let history: InstanceHistory
    private let logger: Logger
    private let changes: AsyncStream<Change>
    private let queue: AsyncStream<Change>.Continuation
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - engine: Whose containers are logged into.
    ///   - agentID: By which this agent knows the containers that it made.
    ///   - folder: One for this alone; made when it is not there.
    ///   - settings: The machine's.
    ///   - history: What owners are told.
    ///   - logger: The process's.
    init(
        engine: any ContainerEngine, agentID: String, folder: String, settings: SSHSettings,
        history: InstanceHistory, logger: Logger
    ) {
        self.engine = engine
        self.agentID = agentID
        self.folder = SSHFolder(path: folder)
        self.settings = settings
        self.history = history
        self.logger = logger
        (changes, queue) = AsyncStream.makeStream(of: Change.self)
    }

    /// Takes a wish: its keys count from the next login on.
    func take(_ order: InstanceOrder) {
        let id = order.instanceID
        let isWanted = order.state != .gone
        state.withLockedValue { $0.wishes[id] = isWanted }
        guard isWanted else {
            queue.yield(.unwanted(id))
            return
        }
        guard order.specification?.hasSSH ?? true else { return }
        do {
            mkdir(folder.path, 0o700)
            try folder.write(
                SSHConfiguration.authorizedKeys(order.authorizedKeys), to: folder.keys(of: id),
                of: id)
        } catch {
            logger.error(
                "ssh keys not kept",
                metadata: ["boathook.instance.id": "\(id)", "error": "\(error)"])
        }
    }

    /// Nothing is left of an instance: no container of it can come any more.
    func forget(_ instance: Int64) {
        state.withLockedValue { state in
            // One that is wished again was never gone for good.
            if state.wishes[instance] == false { state.wishes[instance] = nil }
        }
    }

    /// Works until the task is cancelled; then all servers end, and logins with them.
    func run() async {
        let pipe: CInt
        do {
            pipe = try await prepare()
        } catch {
            logger.warning("no ssh into instances", metadata: ["error": "\(error)"])
            return
        }
        defer { Glibc.close(pipe) }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.watch() }
            for await change in changes {
                await carryOut(change, in: &group)
            }
        }
    }

    private func prepare() async throws -> CInt {
        for path in [settings.server, SSHLauncher.program, settings.executable] {
            guard access(path, X_OK) == 0 else { throw SSHFailure(path) }
        }
        for path in [folder.path, settings.executable] where !SSHConfiguration.canName(path) {
            throw SSHFailure(path, "has a quote, a backslash or the like in it")
        }
        let (folder, server) = (folder, settings.server)
        let (pipe, isNew) = try await NIOThreadPool.singleton.runIfActive {
            (try folder.prepare(), folder.isUnderstood("UnusedConnectionTimeout 60", by: server))
        }
        state.withLockedValue { $0.endsUnusedConnections = isNew }
        return pipe
    }

    /// Follows the engine; comes back to it when it went away.
    private func watch() async {
        var pause = Duration.milliseconds(100)
        while !Task.isCancelled {
            do {
                // The stream is open before everything is looked at, so that nothing falls between.
                let events = try await engine.events()
                queue.yield(.everything)
                pause = .milliseconds(100)
                for try await event in events where Self.matters(event.action) {
                    queue.yield(.container(event.containerID))
                }
            } catch {
                if Task.isCancelled { return }
                logger.debug("ssh: engine not reachable", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(2))
        }
    }

    /// Of Docker and of Podman: a container comes, or goes.
    private static func matters(_ action: String) -> Bool {
        ["create", "start", "destroy", "remove"].contains(action)
    }

    private func carryOut(_ change: Change, in group: inout DiscardingTaskGroup) async {
        do {
            switch change {
            case .unwanted(let instance):
                close(instance)
                folder.remove(instance)
            case .container(let id):
                let container = try await engine.summary(of: id)
                if let wanted = container.flatMap(wanted) {
                    open(wanted, in: &group)
                } else if container == nil {
                    for (instance, entry) in state.withLockedValue({ $0.doors })
                    where entry.wanted.container == id {
                        close(instance)
                    }
                }
            case .everything:
                let all = try await engine.summaries(label: ContainerLabel.sshPort)
                    .compactMap(wanted).sorted { $0.generation < $1.generation }
                for wanted in all { open(wanted, in: &group) }
                let instances = Set(all.map(\.instance))
                for instance in state.withLockedValue({ Array($0.doors.keys) })
                where !instances.contains(instance) {
                    close(instance)
                }
                // Of those that are to be made, the keys are here already.
                let wishes = state.withLockedValue { $0.wishes }
                for instance in folder.instances
                where !instances.contains(instance) && wishes[instance] != true {
                    folder.remove(instance)
                }
            }
        } catch {
            // When the engine is back, everything is looked at.
            logger.debug("ssh: not looked at", metadata: ["error": "\(error)"])
        }
    }

    /// What a container wants; nil when it has no SSH, or this agent did not make it.
    private func wanted(_ container: Container) -> Wanted? {
        guard let identity = InstanceIdentity(labels: container.labels, agentID: agentID),
            let port = container.labels[ContainerLabel.sshPort].flatMap({ UInt16($0) }), port > 0
        else { return nil }
        return Wanted(
            instance: identity.instanceID, generation: identity.generation,
            container: container.id, port: Int(port))
    }

    private func open(_ wanted: Wanted, in group: inout DiscardingTaskGroup) {
        let instance = wanted.instance
        let (isWished, present) = state.withLockedValue {
            ($0.wishes[instance] ?? true, $0.doors[instance])
        }
        guard isWished, present.map({ $0.wanted.generation <= wanted.generation }) ?? true else {
            return
        }
        do {
            try writeDoor(wanted)
            if let present, present.door.port == wanted.port {
                state.withLockedValue { $0.doors[instance] = (present.door, wanted) }
                return
            }
            present?.door.close()
            try folder.write(
                SSHConfiguration.text(
                    folder: folder, instance: instance, port: wanted.port, settings: settings,
                    endsUnusedConnections: state.withLockedValue { $0.endsUnusedConnections }),
                to: folder.configuration(of: instance), of: instance)
        } catch {
            logger.error(
                "no ssh server",
                metadata: ["boathook.instance.id": "\(instance)", "error": "\(error)"])
            return
        }
        let door = SSHDoor(
            instance: instance, port: wanted.port, folder: folder, settings: settings,
            history: history, logger: logger)
        state.withLockedValue { $0.doors[instance] = (door, wanted) }
        group.addTask { await door.run(agent: getpid()) }
    }

    private func close(_ instance: Int64) {
        state.withLockedValue { $0.doors.removeValue(forKey: instance) }?.door.close()
    }

    private func writeDoor(_ wanted: Wanted) throws {
        let door = SSHDoorFile(
            instanceID: wanted.instance, containerID: wanted.container,
            engineSocket: settings.engineSocket, agentPipe: folder.agentPipe)
        let text = String(decoding: try JSONEncoder().encode(door), as: UTF8.self)
        try folder.write(text, to: folder.door(of: wanted.instance), of: wanted.instance)
    }
}
