package import AgentLink
internal import FoundationEssentials
package import Logging

/// Makes orders of wishes, and gives them to the machine if it is connected; if not, its next link asks for them.
package struct InstanceOrders: Sendable {
    private let instances: any InstanceStore
    private let dispatcher: Dispatcher
    private let box: SecretBox
    private let logger: Logger
    private let authorizedKeys: @Sendable (Instance.ID) async throws -> [String]
    private let sequence = OrderSequence()

    /// - Parameters:
    ///   - instances: Where the wishes are.
    ///   - dispatcher: Who holds the links.
    ///   - box: What seals specifications: they hold what owners give their containers alone.
    ///   - logger: The process's.
    ///   - authorizedKeys: Who may log in to an instance, as public keys.
    package init(
        instances: any InstanceStore, dispatcher: Dispatcher, box: SecretBox, logger: Logger,
        authorizedKeys: @escaping @Sendable (Instance.ID) async throws -> [String]
    ) {
        self.instances = instances
        self.dispatcher = dispatcher
        self.box = box
        self.logger = logger
        self.authorizedKeys = authorizedKeys
    }

    /// Tells the machine of a wish, as it stands by now.
    package func send(_ wish: StoredWish) async throws {
        let machine = wish.instance.machineID
        guard dispatcher.isConnected(machine) else { return }
        let sequence = sequence.next()
        guard let wish = try await instances.wish(for: wish.instance.id) else { return }
        dispatcher.want(try await order(for: wish, sequence), on: machine)
    }

    /// Tells a machine, whose link was opened, of every wish that it has not carried out; and of the others who may
    /// log in, which may have changed meanwhile.
    package func sendAll(to machine: Machine.ID) async throws {
        let sequence = sequence.next()
        for wish in try await instances.wishes(machine: machine) {
            do {
                dispatcher.want(try await order(for: wish, sequence), on: machine)
            } catch let error as SecretBox.NotSealedHere {
                // One that cannot be read keeps no other from being carried out.
                logger.error(
                    "instance not told",
                    metadata: [
                        "boathook.instance.id": "\(wish.instance.id)", "error": "\(error)",
                    ])
            }
        }
    }

    /// Tells the machine who may log in from now on; the wish is the same as before.
    package func sendKeys(of id: Instance.ID) async throws {
        guard let wish = try await instances.wish(for: id), wish.specification != nil else {
            return
        }
        try await send(wish)
    }

    /// A container of an instance that was destroyed is there again, or still.
    package func sendUnwanted(
        _ report: InstanceReport, instance: Instance.ID, on machine: Machine.ID
    ) {
        dispatcher.want(
            InstanceOrder(
                instanceID: instance, sequence: sequence.next(), number: 0,
                containerID: report.containerID, state: .gone,
                generation: report.generation ?? 0, specification: nil), on: machine)
    }

    /// What can be kept of a specification.
    package func seal(_ specification: ContainerSpecification, for id: Instance.ID) throws
        -> [UInt8]
    {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        let bytes = Array(try encoder.encode(specification))
        guard bytes.count <= Self.maximumByteCount else {
            throw ControlPlaneError(
                .invalidArguments,
                "What the instance is made from has more than \(Self.maximumByteCount) bytes.")
        }
        return try box.seal(bytes, for: Self.context(id))
    }

    /// Far below what a line of the link holds: an order that does not pass would keep its machine off the link.
    private static let maximumByteCount = 1 << 18

    /// What an instance is made from; nil when somebody else made it.
    package func specification(of wish: StoredWish) throws -> ContainerSpecification? {
        guard let sealed = wish.specification else { return nil }
        return try JSONDecoder().decode(
            ContainerSpecification.self,
            from: Data(box.open(sealed, for: Self.context(wish.instance.id))))
    }

    /// The sequence was taken before the wish was read: a later one has read nothing older.
    private func order(for wish: StoredWish, _ sequence: Int64) async throws -> InstanceOrder {
        let instance = wish.instance
        return InstanceOrder(
            instanceID: instance.id, sequence: sequence, number: instance.wish.number,
            isSettled: instance.wish.isSettled,
            containerID: instance.containerID, state: instance.wish.state,
            generation: instance.wish.generation,
            specification: instance.wish.state == .gone ? nil : try specification(of: wish),
            authorizedKeys: Self.bounded(try await authorizedKeys(instance.id)))
    }

    /// The first keys, as many as a line of the link holds beside a specification.
    private static func bounded(_ keys: [String]) -> [String] {
        var byteCount = 0
        return Array(
            keys.prefix {
                byteCount += $0.utf8.count
                return byteCount <= maximumByteCount
            })
    }

    private static func context(_ id: Instance.ID) -> String { "specification/\(id)" }
}
