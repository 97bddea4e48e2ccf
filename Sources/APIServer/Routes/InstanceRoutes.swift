internal import ControlPlane
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import VastAPI

/// `GET /api/v0/instances/{id}/`: null for an id that names nothing (contract 3.1).
struct InstanceRoute: Sendable {
    let access: InstanceAccess
    let rows: InstanceRows

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let id = try context.instanceID()
        do {
            let instance = try await access.instance(id, as: principal, to: .show)
            return try await .json(InstanceReply(instances: rows.rows([instance]).first))
        } catch let error as ControlPlaneError where error.code == .instanceNotFound {
            return try .json(InstanceReply(instances: nil))
        }
    }
}

/// `GET /api/v0/instances/`: the whole list (contract 3.2).
struct InstanceListRoute: Sendable {
    let access: InstanceAccess
    let rows: InstanceRows

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let instances = try await access.instances(of: context.requirePrincipal())
        return try await .json(InstanceListReply(instances: rows.rows(instances)))
    }
}

/// `GET /api/v0/instances/filters/`: the combinations that there are (contract 3.2).
struct InstanceFiltersRoute: Sendable {
    let access: InstanceAccess
    let rows: InstanceRows

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let instances = try await access.instances(of: context.requirePrincipal())
        let columns = ["actual_status", "gpu_name", "verification"]
        let combinations = Set(
            try await rows.rows(instances).map { $0.filter { columns.contains($0.key) } })
        return try .json(["filters": Array(combinations)])
    }
}

/// `GET /api/v1/instances/`: a page, with filters, order and columns (contract 3.2).
struct InstancePageRoute: Sendable {
    let access: InstanceAccess
    let rows: InstanceRows

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let query = try InstanceQuery(request.uri)
        let instances = try await access.instances(of: context.requirePrincipal())
        return try await .json(query.page(of: rows.rows(instances)))
    }
}
