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

    /// Tells the machine of a wish.
    package func send(_ wish: StoredWish) async throws {
        guard dispatcher.isConnected(wish.instance.machineID) else { return }
        dispatcher.want(try await order(for: wish), on: wish.instance.machineID)
    }

    /// Tells a machine, whose link was opened, of every wish that it has not carried out; and of the others who may
    /// log in, which may have changed meanwhile.
    package func sendAll(to machine: Machine.ID) async throws {
        for wish in try await instances.wishes(machine: machine) {
            do {
                dispatcher.want(try await order(for: wish), on: machine)
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
                instanceID: instance, number: 0, containerID: report.containerID, state: .gone,
                generation: report.generation ?? 0, specification: nil), on: machine)
    }

    /// What can be kept of a specification.
    package func seal(_ specification: ContainerSpecification, for id: Instance.ID) throws
        -> [UInt8]
    {
        try box.seal(Array(JSONEncoder().encode(specification)), for: Self.context(id))
    }

    /// What an instance is made from; nil when somebody else made it.
    package func specification(of wish: StoredWish) throws -> ContainerSpecification? {
        guard let sealed = wish.specification else { return nil }
        return try JSONDecoder().decode(
            ContainerSpecification.self,
            from: Data(box.open(sealed, for: Self.context(wish.instance.id))))
    }

    private func order(for wish: StoredWish) async throws -> InstanceOrder {
        let instance = wish.instance
        return InstanceOrder(
            instanceID: instance.id, number: instance.wish.number,
            isSettled: instance.wish.isSettled,
            containerID: instance.containerID, state: instance.wish.state,
            generation: instance.wish.generation,
            specification: instance.wish.state == .gone ? nil : try specification(of: wish),
            authorizedKeys: try await authorizedKeys(instance.id))
    }

    private static func context(_ id: Instance.ID) -> String { "specification/\(id)" }
}
