internal import AgentLink
internal import ContainerEngine

/// Images of instances: how they come to this machine, and whether containers are made from them.
struct InstanceImages: Sendable {
    let engine: any ContainerEngine
    let guarded: GuardedRepositories
    /// One of an owner's at a time: who has three slow registries keeps nobody else from his images.
    private let pulls = RunSlots(count: 3, share: 1)

    init(engine: any ContainerEngine, guarded: GuardedRepositories) {
        self.engine = engine
        self.guarded = guarded
    }

    /// Fetches the image unless it is here, and asks its registry if it is not for everybody.
    ///
    /// - Throws: ``InstanceFailure``, also when the image is not one to make containers from.
    func fetch(
        _ creation: InstanceCreation, tell: @escaping InstanceWork.Tell
    ) async throws {
        try await bring(creation, tell: tell)
        let size = try await engine.configurationByteCount(of: creation.image) ?? 0
        // The engine tells all of it whenever it is asked for its containers, which must not fail for the others.
        guard size <= Self.maximumConfigurationByteCount else {
            throw InstanceFailure(
                """
                \(creation.image) cannot be used: its labels, variables, command and the like have \(size) bytes; \
                at most \(Self.maximumConfigurationByteCount) are taken
                """, isFinal: true)
        }
    }

    private func bring(
        _ creation: InstanceCreation, tell: @escaping InstanceWork.Tell
    ) async throws {
        let image = creation.image
        if try await engine.configurationByteCount(of: image) != nil {
            guard guarded.contains(image) else { return }
            do {
                return try await engine.checkAccess(to: image, credentials: creation.credentials)
            } catch let error as EngineError {
                throw Self.failure(error, of: image)
            }
        }
        if creation.credentials != nil { try guarded.add(image) }
        let slot = await pulls.enqueue(RunSlots.account(of: creation.specification.owner))
        do {
            try await slot.ticket.wait()
            // Another instance may have brought it meanwhile; one that is not for everybody is asked for all the same.
            let isHere = try await engine.configurationByteCount(of: image) != nil
            if !isHere || guarded.contains(image) {
                try await pull(image, creation.credentials, tell: tell)
            }
            await pulls.leave(slot)
        } catch {
            await pulls.leave(slot)
            throw error
        }
    }

    private func pull(
        _ image: ImageName, _ credentials: RegistryCredentials?,
        tell: @escaping InstanceWork.Tell
    ) async throws {
        await tell("pulling \(image)", true)
        let (updates, queue) = AsyncStream.makeStream(
            of: PullProgress.self, bufferingPolicy: .bufferingNewest(1))
        let stall = StallWatch(limit: try await pullSilence())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { queue.finish() }
                do {
                    try await stall.watch {
                        try await engine.pull(image, credentials: credentials) {
                            stall.hear()
                            queue.yield($0)
                        }
                    }
                } catch let stalled as StallWatch.Stalled {
                    let minutes = stalled.limit.components.seconds / 60
                    throw InstanceFailure(
                        "\(image) cannot be pulled: its registry has sent nothing for \(minutes) minutes"
                    )
                } catch let error as EngineError {
                    throw Self.failure(error, of: image)
                }
            }
            group.addTask {
                var last: String?
                for await progress in updates {
                    guard let text = progress.description, text != last else { continue }
                    last = text
                    await tell("pulling \(image): \(text)", false)
                    try await Task.sleep(for: Self.progressInterval)
                }
            }
            for try await _ in group {}
        }
    }

    private static func failure(_ error: EngineError, of image: ImageName) -> InstanceFailure {
        guard error.code != .unreachable else { return InstanceFailure(error) }
        return InstanceFailure(
            "\(image) cannot be pulled: \(error.message)", isFinal: error.code == .impossible)
    }

    /// Podman tells nothing while a layer comes or is unpacked.
    private func pullSilence() async throws -> Duration {
        try await engine.information().isPodman ? .seconds(3600) : .seconds(300)
    }

    private static let progressInterval = Duration.milliseconds(300)
    private static let maximumConfigurationByteCount = 262_144
}
