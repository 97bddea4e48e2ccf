internal import ControlPlane
internal import Hummingbird
internal import VastAPI

/// `GET /api/v0/instances/{id}/destruction/`: how far the end of an instance is, Boathook's own.
///
/// Upstream's routes know nothing of an instance once it is wished gone, and clients rely on that.
struct DestructionRoute: Sendable {
    let access: InstanceAccess
    let dispatcher: Dispatcher

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let id = try context.instanceID()
        do {
            let destruction = try await access.destruction(of: id, as: principal)
            return try .json(reply(destruction))
        } catch let error as ControlPlaneError where error.code == .instanceNotFound {
            throw WireError(
                status: .notFound,
                reply: ErrorReply(error: "no_such_instance", msg: error.message))
        }
    }

    private func reply(_ destruction: Destruction) -> DestructionReply {
        let instance = destruction.instance
        let reach = dispatcher.reach(instance.machineID)
        let isDone = destruction.state == .done
        return DestructionReply(
            id: instance.id, state: destruction.state.rawValue,
            actualStatus: isDone
                ? nil : InstanceRows.status(of: instance, reach: reach),
            statusMessage: isDone ? "" : InstanceRows.message(of: instance, reach: reach))
    }
}
