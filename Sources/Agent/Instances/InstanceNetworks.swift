internal import AgentLink
internal import ContainerEngine
internal import Logging
internal import NIOConcurrencyHelpers

/// Which network instances get; their own is made when it is not there.
///
/// On Docker's default bridge every container reaches all ports of every other one. On ours it reaches what the machine
/// reaches, and of the others what they have mapped.
final class InstanceNetworks: Sendable {
    private let engine: any ContainerEngine
    private let wanted: InstanceSettings.Network
    private let logger: Logger
    /// Whether the log has that there is none of our own.
    private let hasSaid = NIOLockedValueBox(false)

    init(engine: any ContainerEngine, wanted: InstanceSettings.Network, logger: Logger) {
        self.engine = engine
        self.wanted = wanted
        self.logger = logger
    }

    /// - Returns: The engine's name of the network for the next instance.
    /// - Throws: ``InstanceFailure`` when there must be one that keeps instances apart, and there is none; what the
    ///   engine throws.
    func name() async throws -> String {
        switch wanted {
        case .bridge, .host, .none: return wanted.rawValue
        case .isolated: return try await own()
        case .auto:
            guard try await engine.networks().contains(Self.shared) else { return "none" }
            do {
                let name = try await own()
                hasSaid.withLockedValue { $0 = false }
                return name
            } catch let failure as InstanceFailure {
                sayOnce(failure)
                return Self.shared
            }
        }
    }

    /// Starts a container; if it is one of ours and its network was removed since it was made, it gets another first.
    ///
    /// `docker network prune` takes every network on which nothing runs, and a container that ran is bound to its
    /// network's id.
    ///
    /// - Parameters:
    ///   - id: The container.
    ///   - isOurs: Whether this agent made it: then no other network than ours can be gone.
    /// - Throws: What the engine throws; ``InstanceFailure``.
    func start(_ id: Container.ID, isOurs: Bool) async throws {
        do {
            try await engine.start(id)
        } catch let error as EngineError where isOurs && Self.saysThatItIsGone(error.message) {
            try await engine.connect(id, to: try await own())
            try await engine.start(id)
        }
    }

    /// Whether ports of containers on it are reached by ports of the host's.
    static func mapsPorts(_ network: String) -> Bool { network != "host" && network != "none" }

    /// Docker 20.10 says `network ID not found`, with 404; 28 what it wanted to do before that, too.
    static func saysThatItIsGone(_ message: String) -> Bool {
        message.firstRange(of: "network ").map {
            let before = message[..<$0.lowerBound]
            return (before.isEmpty || before.hasSuffix(": "))
                && message[$0.upperBound...].contains(" not found")
        } ?? false
    }

    private func own() async throws -> String {
        if let found = try await engine.network(Self.ours.name) { return try accept(found) }
        // It takes the options and does not know them (seen with 4.3.1).
        if try await engine.information().isPodman {
            throw InstanceFailure("Podman keeps no containers of one network apart", isFinal: true)
        }
        do {
            try await engine.makeNetwork(Self.ours)
        } catch let error as EngineError where error.code != .unreachable {
            // Another agent of this engine was faster, or it cannot be.
            guard let found = try await engine.network(Self.ours.name) else {
                throw InstanceFailure("the network cannot be made: \(error.message)")
            }
            return try accept(found)
        }
        logger.info("network made", metadata: ["network": "\(Self.ours.name)"])
        return Self.ours.name
    }

    private func accept(_ network: EngineNetwork) throws(InstanceFailure) -> String {
        guard network.keepsApart else {
            throw InstanceFailure(
                "the engine's network \(network.name) lets containers reach each other",
                isFinal: true
            )
        }
        return network.name
    }

    private func sayOnce(_ failure: InstanceFailure) {
        let isNews = hasSaid.withLockedValue { hasSaid in
            defer { hasSaid = true }
            return !hasSaid
        }
        guard isNews else { return }
        logger.warning(
            "instances reach each other on the engine's own bridge",
            metadata: ["error": "\(failure.message)"])
    }

    /// One for all agents of an engine: an engine has some thirty, and nobody on it reaches anybody.
    static let ours = EngineNetwork(
        name: "boathook",
        options: [EngineNetwork.connects: "false", EngineNetwork.interface: "boathook0"],
        labels: [ContainerLabel.network: "1"])
    private static let shared = "bridge"
}
