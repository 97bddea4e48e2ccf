internal import AgentLink
package import ContainerEngine
internal import FoundationEssentials
package import Jail
package import Logging
internal import NIOPosix
internal import ServiceLifecycle

/// The agent: keeps the link open, takes orders from it, tells what the machine has.
package struct AgentService: Service {
    private let link: any ServerLink
    private let intake: Intake
    private let programs: EnginePrograms
    private let jail: Jail
    private let inventory: Inventory
    private let keeper: InstanceKeeper
    private let machine: MachineInspector
    private let meter: DiskMeter
    private let ssh: SSHServers
    private let logger: Logger

    /// - Parameters:
    ///   - link: The way to the server.
    ///   - engine: Whose containers the agent works with.
    ///   - jail: Where commands run.
    ///   - policy: What may run here, whatever the server allows.
    ///   - dataFolder: A folder of the agent's own, for its journal and the output of commands.
    ///   - adoption: Which containers that Boathook did not make become instances.
    ///   - agentID: By which this agent knows the containers that it made, for as long as they exist.
    ///   - instances: What the machine's owner says about those.
    ///   - ssh: And about logins into them.
    ///   - concurrency: How many commands may run at once on this machine.
    ///   - outputLimit: The most bytes of output that a command may write.
    ///   - logger: The process's.
    /// - Throws: When the folder or the journal cannot be used.
    package init(
        link: any ServerLink, engine: any ContainerEngine, jail: Jail, policy: MachinePolicy,
        dataFolder: String, adoption: Adoption, agentID: String, instances: InstanceSettings,
        ssh: SSHSettings, concurrency: Int, outputLimit: Int64, logger: Logger
    ) throws {
        let spools = try SpoolFolder(path: dataFolder + "/spool", reserveCount: concurrency)
        let journal = try Journal(
            path: dataFolder + "/journal", now: Date().timeIntervalSince1970)
        programs = try EnginePrograms(
            folder: dataFolder + "/programs", engine: engine, logger: logger)
        let threads = NIOThreadPool(numberOfThreads: concurrency)
        threads.start()
        let known = KnownContainers()
        let adopted = AdoptedContainers(adoption, agentID: agentID)
        let turns = CommandTurns(concurrency: concurrency)
        let history = InstanceHistory()
        let runner = CommandRunner(
            engine: engine, jail: jail, policy: policy, adopted: adopted, known: known,
            journal: journal, turns: turns, history: history, threads: threads, spools: spools,
            programs: programs, outputLimit: outputLimit)
        self.link = link
        self.jail = jail
        self.logger = logger
        intake = Intake(runner: runner, journal: journal, link: link, logger: logger)
        meter = DiskMeter(engine: engine, adopted: adopted, logger: logger)
        inventory = Inventory(
            engine: engine, known: known, link: link, adopted: adopted, meter: meter,
            logger: logger)
        self.ssh = SSHServers(
            engine: engine, agentID: agentID, folder: dataFolder + "/ssh", settings: ssh,
            history: history, logger: logger)
        machine = MachineInspector(
            engine: engine, settings: instances, link: link, threads: .singleton, logger: logger)
        keeper = InstanceKeeper(
            work: InstanceWork(
                engine: engine, adopted: adopted, known: known, turns: turns,
                maker: InstanceMaker(
                    engine: engine, agentID: agentID, settings: instances, machine: machine,
                    guarded: try GuardedRepositories(path: dataFolder + "/guarded-images"),
                    logger: logger)),
            inventory: inventory, history: history, link: link, gone: self.ssh.forget,
            logger: logger)
    }

    /// Returns once the server knows this machine's containers.
    package func waitForFirstInventory() async {
        await inventory.waitForFirstSync()
    }

    package func run() async throws {
        defer { jail.end() }
        try await intake.takeUpLeftovers()
        await programs.endLeft()
        try await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await intake.run() }
                group.addTask { await programs.run() }
                group.addTask { await inventory.run() }
                group.addTask { await machine.run(engineWasAsked: inventory.engineWasAsked) }
                group.addTask { await keeper.run() }
                group.addTask { await ssh.run() }
                group.addTask { await meter.run(changed: inventory.lookAgain) }
                group.addTask { await keepLinkOpen() }
                try await group.waitForAll()
            }
        }
    }

    private func keepLinkOpen() async {
        var pause = Self.shortestPause
        while !Task.isCancelled {
            do {
                let hello = AgentHello(heldCommandIDs: await intake.heldCommandIDs)
                let messages = try await link.connect(hello)
                await intake.beginLink()
                var newest: [Int64: Int64] = [:]
                for try await message in messages {
                    switch message {
                    case .welcome(let welcome):
                        logger.info(
                            "link open",
                            metadata: ["boathook.machine.id": "\(welcome.machineID)"])
                        pause = Self.shortestPause
                        inventory.resync()
                        machine.tell()
                    case .runCommand(let order):
                        await intake.take(order)
                    case .cancelCommand(let wish):
                        await intake.cancel(wish.commandID)
                    case .sendOutput(let wish):
                        await intake.relay(wish)
                    case .wantInstance(let order):
                        guard order.sequence >= newest[order.instanceID] ?? 0 else { break }
                        newest[order.instanceID] = order.sequence
                        // An adopted one has no keys, and its number may be on the label of another one.
                        if !order.isOfAdopted { ssh.take(order) }
                        await keeper.want(order)
                    case .restartInstance(let wish):
                        await keeper.restart(wish)
                    case .heartbeat:
                        break
                    }
                }
                logger.info("link closed by the server")
            } catch {
                if Task.isCancelled { return }
                logger.warning("link broken", metadata: ["error": "\(error)"])
                // Whoever writes on the line may write on the next one, too.
                if error is ForgedLine { pause = Self.longestPause }
            }
            // A fleet that lost its server must not come back in one moment.
            try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
            pause = min(pause * 2, Self.longestPause)
        }
    }

    private static let shortestPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(5)
}
