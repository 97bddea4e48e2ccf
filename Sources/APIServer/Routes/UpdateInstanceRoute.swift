internal import ControlPlane
internal import Hummingbird
internal import VastAPI

/// `PUT /api/v0/instances/update_template/{id}/`: a new container, made from something else (contract 3.5).
struct UpdateInstanceRoute: Sendable {
    let change: ChangeInstance
    let access: InstanceAccess
    let templates: TemplateAccess
    let rows: InstanceRows

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(
            UpdateInstanceRequest.self, upTo: CreateInstanceRoute.maximumBodyByteCount)
        guard let id = try? context.instanceID() else {
            throw WireError.badRequest("missing_id", "Invalid instance id.")
        }
        // Clients say it twice, and mean one.
        guard [nil, .null].contains(body.id) || body.id?.number == Double(context.hiddenID ?? id)
        else {
            throw InstanceRequest.invalid("id is another one than that of the path.")
        }
        let template = try await template(of: body, for: id, principal)
        let instance = try await change.update(
            id, by: InstanceUpdate(body, from: template), as: principal)
        let isShown = principal.scope.lists(instance: id)
        return try await .json(
            UpdateInstanceReply(
                updatedInstance: isShown ? rows.rows([instance]).first : nil))
    }

    /// The template that is named, or, for a call that says nothing at all, the newest version of the one that the
    /// instance is from.
    private func template(
        of body: UpdateInstanceRequest, for id: Instance.ID, _ principal: Principal
    ) async throws -> Template? {
        if let template = try await templates.template(of: body.creation, for: principal) {
            return template
        }
        guard body.saysNothing else { return nil }
        let instance = try await access.instance(id, as: principal, to: .show)
        guard instance.contract != nil else {
            throw ControlPlaneError(.instanceNotFound, "Instance not found.")
        }
        guard let origin = instance.origin else {
            throw InstanceRequest.invalid(
                "Send a template, image, env, onstart or args; recycle makes it anew from what it was made from."
            )
        }
        do {
            return try await templates.template(.id(origin.templateID), for: principal)
        } catch let error as ControlPlaneError where error.code == .templateNotFound {
            throw InstanceRequest.invalid("The instance's own template is there no more.")
        }
    }
}
