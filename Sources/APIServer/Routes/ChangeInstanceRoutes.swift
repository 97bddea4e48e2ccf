internal import AgentLink
internal import ControlPlane
internal import Hummingbird
internal import VastAPI

/// `PUT` and `DELETE /api/v0/instances/{id}/`: start, stop, label; destroy (contract 3.5).
struct ChangeInstanceRoute: Sendable {
    let change: ChangeInstance

    @Sendable func put(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(ChangeInstanceRequest.self, upTo: 65_536)
        let id = try context.instanceID()
        return try await ChangeReply.answering {
            switch (body.state, body.label) {
            case (let state?, nil):
                try await change(id, to: wanted(state), as: principal, through: .updateInstance)
            case (nil, .string(let label)?):
                guard label.unicodeScalars.count <= 1024 else {
                    throw WireError.badRequest(
                        "label_too_long", "A label has at most 1024 characters.")
                }
                try await change.label(id, label, as: principal)
            default: throw WireError.badRequest("invalid_args", "Send either state or label.")
            }
        }
    }

    @Sendable func delete(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let id = try context.instanceID()
        return try await ChangeReply.answering {
            try await change(id, to: .gone, as: principal, through: .destroyInstance)
        }
    }
}

/// `PUT` and `DELETE /api/v0/instances/`: the same for up to 64 (contract 3.5).
///
/// Ids that are gone already are as they should be: clients send these calls again when a part of them failed.
struct BulkChangeRoute: Sendable {
    let change: ChangeInstance
    let access: InstanceAccess

    @Sendable func put(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(ChangeInstanceRequest.self, upTo: 65_536)
        let ids = try InstanceIDs.list(body.ids, "ids list required")
        let state = try wanted(body.state ?? .null)
        let route = try context.accountRoute(of: request)
        var count = 0
        var failure: ControlPlaneError?
        for id in ids where principal.scope.mayUpdate(id) {
            do {
                try await change(id, to: state, as: principal, through: route)
                count += 1
            } catch let error as ControlPlaneError {
                if error.code != .instanceNotFound { failure = error }
            }
        }
        if count == 0, let failure { return try .json(ChangeReply(notNow: failure)) }
        guard count > 0 else {
            throw WireError(
                status: .notFound,
                reply: ErrorReply(error: "not_found", msg: "Invalid instance ID list ids."))
        }
        return try .json(ChangeReply(success: true))
    }

    @Sendable func delete(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(ChangeInstanceRequest.self, upTo: 65_536)
        let ids = try InstanceIDs.list(body.instanceIDs, "instance_ids array is required")
        let route = try context.accountRoute(of: request)
        var isKnown = false
        for id in ids where principal.scope.mayDestroy(id) {
            do {
                try await change(id, to: .gone, as: principal, through: route)
                isKnown = true
            } catch let error as ControlPlaneError where error.code == .instanceNotFound {
                if try await access.wasThere(id, principal) { isKnown = true }
            }
        }
        guard isKnown else {
            throw WireError(
                status: .notFound,
                reply: ErrorReply(error: "instances_not_found", msg: "No instance has such an id."))
        }
        return try .json(ChangeReply(success: true))
    }
}

/// `PUT /api/v0/instances/reboot/{id}/` and `…/recycle/{id}/` (contract 3.5).
struct RestartRoute: Sendable {
    let change: ChangeInstance

    @Sendable func reboot(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let id = try context.instanceID()
        return try await ChangeReply.answering(
            restart: "Invalid instance id. Is the container started?"
        ) {
            try await change.reboot(id, as: principal)
        }
    }

    @Sendable func recycle(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let id = try context.instanceID()
        return try await ChangeReply.answering(restart: "Invalid instance id.") {
            try await change.recycle(id, as: principal)
        }
    }
}

/// The state that a body asks for.
private func wanted(_ value: JSONValue) throws -> InstanceOrder.State {
    switch value {
    case .string("running"): .running
    case .string("stopped"): .stopped
    default: throw WireError.badRequest("invalid_args", "Invalid target state")
    }
}

extension ChangeReply {
    /// Upstream's 200 that is none: what cannot be had now is no error of the request.
    fileprivate init(notNow error: ControlPlaneError) {
        self.init(success: false, error: "resources_unavailable", msg: error.message)
    }

    /// An instance that is not there is a 404, or, where a text for it is given, upstream's 200 that is none.
    fileprivate static func answering(
        restart absence: String? = nil, _ change: () async throws -> Void
    ) async throws -> Response {
        do {
            try await change()
            return try .json(ChangeReply(success: true))
        } catch let error as ControlPlaneError where error.code == .noRoom {
            return try .json(ChangeReply(notNow: error))
        } catch let error as ControlPlaneError where error.code == .instanceNotReady {
            return try .json(ChangeReply(success: false, error: "invalid_id", msg: error.message))
        } catch let error as ControlPlaneError where error.code == .instanceNotFound {
            if let absence {
                return try .json(ChangeReply(success: false, error: "invalid_id", msg: absence))
            }
            throw WireError(
                status: .notFound,
                reply: ErrorReply(error: "no_such_instance", msg: error.message))
        }
    }
}
