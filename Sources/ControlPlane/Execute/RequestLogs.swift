package import CommandPolicy

/// A caller wants an instance's log: a command like any other once it is accepted, but one that no caller can write
/// as a command, and that no policy decides.
package struct RequestLogs: Sendable {
    private let execute: ExecuteCommand

    package init(execute: ExecuteCommand) {
        self.execute = execute
    }

    /// What a request comes with beside the log that it is of.
    package struct Options: Sendable, Hashable {
        /// As ``CommandOrder/idempotencyKey``.
        package var idempotencyKey: String?
        /// As ``CommandOrder/hiddenInstanceID``.
        package var hiddenInstanceID: Instance.ID?

        package init(idempotencyKey: String? = nil, hiddenInstanceID: Instance.ID? = nil) {
            self.idempotencyKey = idempotencyKey
            self.hiddenInstanceID = hiddenInstanceID
        }
    }

    /// - Parameters:
    ///   - request: Which log, and what of it.
    ///   - id: The instance.
    ///   - principal: Who asks.
    ///   - options: What else the request has.
    /// - Returns: The command, durable and on its way.
    /// - Throws: ``ControlPlaneError``, as ``ExecuteCommand``; `not_authorized` for a key that is bound to paths,
    ///   or to commands and not to this one.
    package func callAsFunction(
        _ request: LogRequest, on id: Instance.ID, as principal: Principal,
        options: Options = Options()
    ) async throws -> AcceptedCommand {
        var order = CommandOrder(input: .argv(request.argv))
        order.idempotencyKey = options.idempotencyKey
        order.hiddenInstanceID = options.hiddenInstanceID
        let decision = request.decision(scope: principal.scope.commandScope)
        return try await execute.take(order, decision.command, decision, on: id, as: principal)
    }
}
