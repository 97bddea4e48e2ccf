package import AgentLink

/// What a caller wants made.
package struct InstanceRequest: Sendable, Hashable {
    package var image: String
    package var login: RegistryLogin?
    package var program: ContainerSpecification.Program
    /// Pairs of name and value.
    package var environment: [[String]]
    /// As whom the image's program runs; nil for whom the image says.
    package var user: String?
    package var hostname: String?
    package var ports: [ContainerSpecification.Port]
    package var volumes: [ContainerSpecification.Volume]
    /// In GB of 10^9 bytes.
    package var diskGB: Double
    package var label: String?
    /// Running, or only made.
    package var state: InstanceOrder.State
    package var runtype: String
    package var hasSSH: Bool
    /// The template that some of it is from.
    package var origin: InstanceOrigin?

    package init(
        image: String, login: RegistryLogin? = nil, program: ContainerSpecification.Program,
        environment: [[String]] = [], user: String? = nil, hostname: String? = nil,
        ports: [ContainerSpecification.Port] = [], volumes: [ContainerSpecification.Volume] = [],
        diskGB: Double, label: String? = nil, state: InstanceOrder.State = .running,
        runtype: String, hasSSH: Bool = false, origin: InstanceOrigin? = nil
    ) {
        self.image = image
        self.login = login
        self.program = program
        self.environment = environment
        self.user = user
        self.hostname = hostname
        self.ports = ports
        self.volumes = volumes
        self.diskGB = diskGB
        self.label = label
        self.state = state
        self.runtype = runtype
        self.hasSSH = hasSSH
        self.origin = origin
    }
}

/// An instance that was made, and its own key, which exists nowhere else.
package struct MadeInstance: Sendable {
    package var instance: Instance
    package var key: Secret
}

/// Makes an instance: from an offer's id to a wish that its machine carries out.
package struct CreateInstance: Sendable {
    private let instances: any InstanceStore
    private let orders: InstanceOrders
    private let switches: SwitchBoard
    private let environment: @Sendable (Account.ID) async throws -> [[String]]
    private let time: WallTime

    /// - Parameters:
    ///   - instances: Where it is written down.
    ///   - orders: How its machine hears of it.
    ///   - switches: What the operator has switched off.
    ///   - environment: What an account gives each of its instances: pairs of name and value.
    ///   - time: The clock.
    package init(
        instances: any InstanceStore, orders: InstanceOrders, switches: SwitchBoard,
        environment: @escaping @Sendable (Account.ID) async throws -> [[String]], time: WallTime
    ) {
        self.instances = instances
        self.orders = orders
        self.switches = switches
        self.environment = environment
        self.time = time
    }

    /// - Parameters:
    ///   - request: What it is to be.
    ///   - offer: On what.
    ///   - principal: Who makes it.
    ///   - route: By which way, for the audit log.
    /// - Returns: The instance, durable; its machine hears of it at once, or when it comes back.
    /// - Throws: ``ControlPlaneError``: `offer_not_found`, `no_room`, `switched_off`.
    package func callAsFunction(
        _ request: InstanceRequest, on offer: Offer.ID, as principal: Principal,
        through route: AccountRoute
    ) async throws -> MadeInstance {
        let secret = Secret()
        let account = principal.account
        let accountEnvironment = try await environment(account.id)
        let stored = try await instances.create(
            NewInstance(
                accountID: account.id, offerID: offer, image: request.image, label: request.label,
                state: request.state, diskGB: request.diskGB, runtype: request.runtype,
                hiddenNames: accountEnvironment.compactMap(\.first) + [Self.keyName],
                keyDigest: secret.digest, makerKeyID: principal.keyID, createdAt: time.now(),
                origin: request.origin
            ) { [orders, switches] id, offer in
                if let off = switches.switchedOff(
                    program: nil, instance: id, machine: offer.machine.id)
                {
                    throw ControlPlaneError(.switchedOff, off.message)
                }
                return try orders.seal(
                    ContainerSpecification(
                        image: request.image, login: request.login, program: request.program,
                        environment: Self.merged(
                            accountEnvironment, request.environment,
                            [[Self.keyName, secret.text]]),
                        user: request.user, hostname: request.hostname, ports: request.ports,
                        volumes: request.volumes, hasSSH: request.hasSSH,
                        gpuCount: offer.gpuCount, diskGB: request.diskGB, owner: account.name,
                        label: request.label), for: id)
            },
            noting: .call(
                route, by: principal, arguments: request.auditArguments(offer: offer),
                at: time.now()))
        try await orders.send(stored)
        return MadeInstance(instance: stored.instance, key: secret)
    }

    /// The variable by which a container knows its instance's own key (contract 4).
    package static let keyName = "CONTAINER_API_KEY"

    /// Later values of a name win; names stand where they stood first.
    static func merged(_ lists: [[String]]...) -> [[String]] {
        var order: [String] = []
        var values: [String: String] = [:]
        for pair in lists.joined() where pair.count == 2 {
            if values.updateValue(pair[1], forKey: pair[0]) == nil { order.append(pair[0]) }
        }
        return order.map { [$0, values[$0] ?? ""] }
    }
}
