internal import AgentLink
internal import ContainerEngine
internal import Logging
internal import NIOPosix

/// Looks at what this machine has, and tells the server when that has changed.
actor MachineInspector {
    private let engine: any ContainerEngine
    private let settings: InstanceSettings
    private let link: any ServerLink
    private let threads: NIOThreadPool
    private let logger: Logger
    private let facts = HostFacts.read()
    private var last: MachineReport?
    /// What the server has of that.
    private var told: MachineReport?
    /// The driver whose CUDA version is known, and that.
    private var cuda: (driver: String, version: String?)?
    private let wishes: AsyncStream<Bool>
    private let queue: AsyncStream<Bool>.Continuation

    init(
        engine: any ContainerEngine, settings: InstanceSettings, link: any ServerLink,
        threads: NIOThreadPool, logger: Logger
    ) {
        self.engine = engine
        self.settings = settings
        self.link = link
        self.threads = threads
        self.logger = logger
        (wishes, queue) = AsyncStream.makeStream(of: Bool.self)
    }

    /// The server is to be told, whether something has changed or not.
    nonisolated func tell() {
        queue.yield(true)
    }

    /// Works until the task is cancelled.
    ///
    /// - Parameter engineWasAsked: Called with whether the engine has answered a question.
    func run(engineWasAsked: @escaping @Sendable (Bool) -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { [queue] in
                while !Task.isCancelled {
                    try? await Task.sleep(for: Self.interval)
                    queue.yield(false)
                }
            }
            for await isWished in wishes {
                do {
                    try await look(tellsAnyway: isWished)
                    engineWasAsked(true)
                } catch {
                    if (error as? EngineError)?.code == .unreachable { engineWasAsked(false) }
                    logger.debug("machine not described", metadata: ["error": "\(error)"])
                    // A link that is broken brings a wish of its own; an engine that is away does not.
                    if isWished { retry(in: &group) }
                }
            }
        }
    }

    private func retry(in group: inout DiscardingTaskGroup) {
        group.addTask { [queue] in
            try? await Task.sleep(for: .seconds(2))
            queue.yield(true)
        }
    }

    /// The GPUs that containers can be given.
    ///
    /// What else has changed is told in its own time: they are here, whether the server is or not.
    func gpus() async throws -> [MachineReport.GPU] {
        let report = try await report()
        last = report
        if isNews(report) { queue.yield(false) }
        return report.gpus
    }

    /// What `/dev/shm` of an instance may take.
    ///
    /// Programs that share batches between processes need far more than the engine's 64 MB. Half of the memory goes
    /// with all GPUs; without any, it is 1 GiB.
    func sharedMemoryByteCount(gpuCount: Int) -> Int64 {
        let least: Int64 = 1 << 30
        guard gpuCount > 0, let last, !last.gpus.isEmpty else { return least }
        let share = Double(gpuCount) / Double(last.gpus.count)
        return max(least, Int64(facts.memoryMB * 1e6 / 2 * share))
    }

    /// What an instance may take of this machine, as the machine's report lets the server offer it.
    func limits(gpuCount: Int) -> ContainerLimits {
        let share = InstanceShare(
            gpuCount: gpuCount, of: last?.gpus.count ?? 0, slots: settings.slots,
            cpuCores: facts.cpuCores, memoryMB: facts.memoryMB)
        return ContainerLimits(
            processCount: settings.processLimit > 0 ? settings.processLimit : nil,
            memoryByteCount: share.memoryByteCount,
            // A core is what the engine gives to whoever asks for nothing; it takes no more and no less than these.
            cpuShares: Int(min(max(share.cores * 1024, 2), 262_144)))
    }

    private func look(tellsAnyway: Bool) async throws {
        let report = try await report()
        last = report
        if isNews(report) || tellsAnyway {
            try await link.send(.machine(report))
            told = report
        }
    }

    private func isNews(_ report: MachineReport) -> Bool {
        told.map { Self.differs(report, from: $0) } ?? true
    }

    private func report() async throws -> MachineReport {
        let engine = try await engine.information()
        guard let disk = HostFacts.disk(at: engine.dataRoot) else {
            throw InstanceFailure("the engine's folder \(engine.dataRoot) is not on this host")
        }
        // A GPU that no container can be given is none to offer.
        let (gpus, driver) = engine.givesGPUs ? await readGPUs() : ([], nil)
        return MachineReport(
            hostname: facts.hostname, bootID: facts.bootID, engine: engine.version,
            architecture: facts.architecture,
            cpuName: facts.cpuName, cpuCores: facts.cpuCores, cpuGHz: facts.cpuGHz,
            memoryMB: facts.memoryMB, diskGB: disk.size, diskFreeGB: disk.free, gpus: gpus,
            driverVersion: driver, cudaVersion: await cudaVersion(of: driver),
            slots: settings.makesInstances ? settings.slots : 0,
            publicAddress: settings.publicAddress, price: settings.price,
            location: settings.location)
    }

    private func readGPUs() async -> ([MachineReport.GPU], String?) {
        guard let output = await output(of: "nvidia-smi", NvidiaReport.query) else {
            return ([], nil)
        }
        return NvidiaReport.gpus(from: output)
    }

    private func cudaVersion(of driver: String?) async -> String? {
        guard let driver else { return nil }
        if let cuda, cuda.driver == driver { return cuda.version }
        let version = await output(of: "nvidia-smi", []).flatMap {
            NvidiaReport.cudaVersion(from: $0)
        }
        cuda = (driver, version)
        return version
    }

    /// Nil where the host has no such program, which is no fault.
    private func output(of program: String, _ arguments: [String]) async -> String? {
        guard let path = HostProgram.path(of: program) else { return nil }
        let output = try? await threads.runIfActive {
            HostProgram.output(of: path, arguments, patience: Self.patience)
        }
        return (output ?? nil).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Disks change all the time: 1 GB is worth telling.
    static func differs(_ report: MachineReport, from last: MachineReport) -> Bool {
        var same = report
        if abs(report.diskFreeGB - last.diskFreeGB) < 1 { same.diskFreeGB = last.diskFreeGB }
        return same != last
    }

    private static let interval = Duration.seconds(60)
    private static let patience = Duration.seconds(10)
}
