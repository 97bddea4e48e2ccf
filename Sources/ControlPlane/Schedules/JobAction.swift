package import CommandPolicy

/// What a scheduled job does each time.
package enum JobAction: Sendable, Hashable {
    case execute(ScheduledCommand)
    case reboot

    /// The route that does the same at once; nil when this server has none.
    package var route: AccountRoute? {
        switch self {
        case .execute: .execute
        case .reboot:
            AccountRoute.route(method: "PUT", path: "/api/v0/instances/reboot/{id}")
        }
    }
}

/// A command as a job keeps it: the parts of ``CommandOrder`` that mean the same each time.
package struct ScheduledCommand: Sendable, Hashable {
    package var input: CommandOrder.Input
    package var view: InstanceView
    package var timeoutSeconds: Int?

    /// - Throws: ``ControlPlaneError/Code/invalidArguments`` for an order that is for once.
    package init(_ order: CommandOrder) throws {
        guard !order.previews, order.planID == nil else {
            throw ControlPlaneError(
                .invalidArguments, "A scheduled command is neither a dry run nor a plan's.")
        }
        input = order.input
        view = order.view
        timeoutSeconds = order.timeoutSeconds
    }

    /// The order of one due time; every attempt to give it has the same idempotency key.
    func order(idempotencyKey: String?) -> CommandOrder {
        var order = CommandOrder(
            input: input, timeoutSeconds: timeoutSeconds, idempotencyKey: idempotencyKey)
        order.view = view
        return order
    }
}

/// With the keys of the wire; what has its usual value is left out, so that equal commands are equal texts.
extension ScheduledCommand: Codable {
    private enum CodingKeys: String, CodingKey { case command, argv, view, timeout }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let argv = try container.decodeIfPresent([String].self, forKey: .argv) {
            input = .argv(argv)
        } else {
            input = .text(try container.decode(String.self, forKey: .command))
        }
        view = try container.decodeIfPresent(InstanceView.self, forKey: .view) ?? .merged
        timeoutSeconds = try container.decodeIfPresent(Int.self, forKey: .timeout)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch input {
        case .text(let text): try container.encode(text, forKey: .command)
        case .argv(let argv): try container.encode(argv, forKey: .argv)
        }
        if view != .merged { try container.encode(view, forKey: .view) }
        try container.encodeIfPresent(timeoutSeconds, forKey: .timeout)
    }
}

/// How jobs reach what they do; each call for the one who ordered the job.
package protocol JobActions: Sendable {
    /// Gives the order; returns the command that it became.
    func execute(_ order: CommandOrder, on instance: Instance.ID, as principal: Principal)
        async throws -> Command.ID
    /// Ends the instance's processes and starts it again.
    func reboot(_ instance: Instance.ID, as principal: Principal) async throws
}

/// By the use cases that the routes have.
package struct ServerJobActions: JobActions {
    private let execute: ExecuteCommand
    private let change: ChangeInstance

    package init(execute: ExecuteCommand, change: ChangeInstance) {
        self.execute = execute
        self.change = change
    }

    package func execute(
        _ order: CommandOrder, on instance: Instance.ID, as principal: Principal
    ) async throws -> Command.ID {
        try await execute(order, on: instance, as: principal).command.id
    }

    package func reboot(_ instance: Instance.ID, as principal: Principal) async throws {
        try await change.reboot(instance, as: principal)
    }
}

extension Principal {
    /// Whether the key opens what a job does, on its instance.
    ///
    /// - Throws: ``ControlPlaneError``, as the route would.
    func check(_ action: JobAction, on instance: Instance.ID) throws {
        guard !account.isBlocked else {
            throw ControlPlaneError(.blocked, "User is blacklisted.")
        }
        guard let route = action.route else {
            throw ControlPlaneError(.notImplemented, "This server does not do that.")
        }
        switch scope.answer(on: route, id: instance) {
        case .open: return
        case .closed(let reason): throw ControlPlaneError(.notAuthorized, reason)
        case .absent: throw ControlPlaneError(.instanceNotFound, "Instance not found.")
        }
    }
}
