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

    /// Tells the machine of a wish, as it stands when the machine comes to hear of it.
    package func send(_ wish: StoredWish) {
        dispatcher.tellWish(for: wish.instance.id, to: wish.instance.machineID)
    }

    /// Tells a machine, whose link was opened, of every wish that it has not carried out; and of the others who may
    /// log in, which may have changed meanwhile.
    package func sendAll(to machine: Machine.ID) async throws {
        for wish in try await instances.wishes(machine: machine) {
            dispatcher.tellWish(for: wish.instance.id, to: machine)
        }
    }

    /// How the instance is wished now; nil when nothing is, or nobody can make an order of it.
    ///
    /// - Throws: What the store throws.
    func order(for id: Instance.ID) async throws -> InstanceOrder? {
        // Taken before the wish is read: a later one has read nothing older.
        let sequence = sequence.next()
        do {
            guard let wish = try await instances.wish(for: id) else { return nil }
            return try await order(for: wish, sequence)
        } catch {
            logger.error(
                "instance not told",
                metadata: ["boathook.instance.id": "\(id)", "error": "\(error)"])
            // One that cannot be read keeps no other from being carried out.
            if error is DecodingError { return nil }
            throw error
        }
    }

    /// Tells the machine who may log in from now on; the wish is the same as before.
    package func sendKeys(of id: Instance.ID) async throws {
        guard let wish = try await instances.wish(for: id), wish.specification != nil else {
            return
        }
        send(wish)
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

    /// The container of an instance was removed by somebody else; nothing else of it is to stay.
    func sendRemoved(_ instance: Instance) {
        dispatcher.want(
            InstanceOrder(
                instanceID: instance.id, sequence: sequence.next(), number: 0, containerID: nil,
                state: .gone, generation: instance.wish.generation, specification: nil),
            on: instance.machineID)
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

    /// Of an order's words, to know it when it comes again.
    func digest(of words: [UInt8]) -> [UInt8] { box.digest(of: words, for: "order") }

    /// Far below what a line of the link holds: an order that does not pass would keep its machine off the link.
    private static let maximumByteCount = 1 << 18

    /// What an instance is made from; nil when somebody else made it.
    package func specification(of wish: StoredWish) throws -> ContainerSpecification? {
        guard let sealed = wish.specification else { return nil }
        return try JSONDecoder().decode(
            ContainerSpecification.self,
            from: Data(box.open(sealed, for: Self.context(wish.instance.id))))
    }

    /// The same, for a caller who is told when it cannot be read.
    ///
    /// - Throws: ``ControlPlaneError/Code/unreadableSecret``.
    func readableSpecification(of wish: StoredWish) throws -> ContainerSpecification? {
        do {
            return try specification(of: wish)
        } catch is SecretBox.NotSealedHere {
            throw ControlPlaneError(
                .unreadableSecret,
                "What instance \(wish.instance.id) is made from cannot be read by this server any more; make another."
            )
        }
    }

    private func order(for wish: StoredWish, _ sequence: Int64) async throws -> InstanceOrder {
        let instance = wish.instance
        var specification: ContainerSpecification?
        if instance.wish.state != .gone {
            do {
                specification = try self.specification(of: wish)
            } catch let error as SecretBox.NotSealedHere {
                // What is there can be stopped and started without it.
                logger.warning(
                    "instance cannot be made anew",
                    metadata: [
                        "boathook.instance.id": "\(instance.id)", "error": "\(error)",
                    ])
            }
        }
        return InstanceOrder(
            instanceID: instance.id, sequence: sequence, number: instance.wish.number,
            isSettled: instance.wish.isSettled,
            containerID: instance.containerID, state: instance.wish.state,
            generation: instance.wish.generation,
            specification: specification,
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
