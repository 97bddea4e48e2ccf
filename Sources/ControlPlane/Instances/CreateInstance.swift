package import AgentLink
internal import FaultPoints

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

/// An instance that was made, and its own key.
package struct MadeInstance: Sendable {
    package var instance: Instance
    /// Kept nowhere but in what the instance is made from, which is sealed.
    package var key: String

    /// How it was ordered; of one that was made before, how it is wished now, unless it is gone.
    package var state: InstanceOrder.State {
        instance.wish.state == .stopped ? .stopped : .running
    }
}

/// Makes an instance: from an offer's id to a wish that its machine carries out.
package struct CreateInstance: Sendable {
    private let instances: any InstanceStore
    private let orders: InstanceOrders
    private let switches: SwitchBoard
    private let environment: @Sendable (Account.ID) async throws -> [[String]]
    private let time: WallTime
    private let answers: OpenAnswers

    /// - Parameters:
    ///   - instances: Where it is written down.
    ///   - orders: How its machine hears of it.
    ///   - switches: What the operator has switched off.
    ///   - environment: What an account gives each of its instances: pairs of name and value.
    ///   - answerPatience: How long an answer may take to be written.
    ///   - time: The clock.
    package init(
        instances: any InstanceStore, orders: InstanceOrders, switches: SwitchBoard,
        environment: @escaping @Sendable (Account.ID) async throws -> [[String]],
        answerPatience: Duration = .seconds(5), time: WallTime
    ) {
        self.instances = instances
        self.orders = orders
        self.switches = switches
        self.environment = environment
        answers = OpenAnswers(patience: answerPatience)
        self.time = time
    }

    /// - Parameters:
    ///   - request: What it is to be.
    ///   - offer: On what.
    ///   - principal: Who makes it.
    ///   - route: By which way, for the audit log.
    ///   - call: The order as it came.
    /// - Returns: The instance, durable; its machine hears of it at once, or when it comes back. The one that was
    ///   made before, when the order comes again.
    /// - Throws: ``ControlPlaneError``: `offer_not_found`, `no_room`, `switched_off`, `idempotency_mismatch`.
    package func callAsFunction(
        _ request: InstanceRequest, on offer: Offer.ID, as principal: Principal,
        through route: AccountRoute, for call: CreationCall
    ) async throws -> MadeInstance {
        let secret = Secret()
        let account = principal.account
        let accountEnvironment = try await environment(account.id)
        let order = repeatable(call, by: principal)
        let made = try await instances.create(
            NewInstance(
                accountID: account.id, offerID: offer, image: request.image, label: request.label,
                state: request.state, diskGB: request.diskGB, runtype: request.runtype,
                hiddenNames: accountEnvironment.compactMap(\.first) + [Self.keyName],
                keyDigest: secret.digest, origin: request.origin, order: order
            ) { [orders, switches, answers] id, offer in
                if let off = switches.switchedOff(
                    program: nil, instance: id, machine: offer.machine.id)
                {
                    throw ControlPlaneError(.switchedOff, off.message)
                }
                // Before the transaction ends, after which an equal order may look.
                answers.insert(id)
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
                at: order.at))
        FaultPoint.instanceStored.reached()
        return try tell(made.wish, key: made.isNew ? secret.text : nil)
    }

    /// What this same order made when it came before; nil when it did not.
    ///
    /// - Parameters:
    ///   - call: The order as it came.
    ///   - principal: Whose it is.
    ///   - route: By which way, for the audit log.
    /// - Returns: The instance, durable.
    /// - Throws: ``ControlPlaneError`` `idempotency_mismatch`.
    package func made(
        by call: CreationCall, as principal: Principal, through route: AccountRoute
    ) async throws -> MadeInstance? {
        let order = repeatable(call, by: principal)
        let wish = try await instances.instanceMade(
            by: order, noting: .call(route, by: principal, at: order.at))
        guard let wish else { return nil }
        return try tell(wish, key: nil)
    }

    private func repeatable(_ call: CreationCall, by principal: Principal) -> RepeatableOrder {
        RepeatableOrder(
            keyID: principal.keyID, idempotencyKey: call.idempotencyKey,
            digest: orders.digest(of: call.bytes), part: call.part, at: time.now(),
            isAnswering: answers.contains)
    }

    /// Tells the machine, again for an instance that was made before: nobody knows how far that call came.
    private func tell(_ wish: StoredWish, key: String?) throws -> MadeInstance {
        answers.insert(wish.instance.id)
        do {
            orders.send(wish)
            return MadeInstance(instance: wish.instance, key: try key ?? ownKey(of: wish))
        } catch {
            answers.remove(wish.instance.id)
            throw error
        }
    }

    private func ownKey(of wish: StoredWish) throws -> String {
        let environment = try orders.specification(of: wish)?.environment ?? []
        return environment.first { $0.first == Self.keyName }?.last ?? ""
    }

    /// The callers have been told of their instances: an equal order is another one from now on.
    package func answered(_ ids: [Instance.ID]) async {
        // Without the note, an equal order of the next seconds is taken for this one: the safer of two errors.
        try? await instances.noteAnswered(ids)
        answerGotLost(ids)
    }

    /// The callers were not told, or may not have been: who sends the same order again soon means the same instances.
    package func answerGotLost(_ ids: [Instance.ID]) {
        for id in ids { answers.remove(id) }
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
