internal import Hummingbird
internal import VastAPI

/// A route of upstream's for what Boathook has not got, and so has none of.
struct EmptyRoute: Sendable {
    let reply: JSONValue

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        try .json(reply)
    }
}

/// The answers of such routes, in the shapes that the official clients index (contract 7.3).
///
/// An empty answer is given where it is true; what would pretend to do something answers 501 (``UpstreamRoutes``).
enum EmptyReplies {
    static let get: [(path: String, reply: JSONValue)] = [
        ("api/v0/subaccounts", .object(["success": .bool(true), "users": .array([])])),
        (
            "api/v0/tfa/status",
            .object([
                "success": .bool(true), "tfa_enabled": .bool(false), "methods": .array([]),
                "backup_codes_remaining": .int(0),
            ])
        ),
        ("api/v0/users/cloud_integrations", .array([])),
        (
            "api/v0/users/me/invoices",
            .object([
                "success": .bool(true), "invoices": .array([]),
                "current": .object([
                    "charges": .double(0), "service_fee": .double(0), "total": .double(0),
                    "credit": .double(0),
                ]),
            ])
        ),
        ("api/v0/invoices", .array([])),
        ("api/v1/invoices", noResults),
        ("api/v0/charges", noResults),
        (
            "api/v0/users/me/machine-earnings",
            .object([
                "success": .bool(true), "summary": .object([:]), "per_machine": .array([]),
                "per_day": .array([]),
            ])
        ),
        ("api/v0/endptjobs", .object(["success": .bool(true), "results": .array([])])),
        ("api/v0/autojobs", .object(["success": .bool(true), "results": .array([])])),
        ("api/v0/workergroups", .object(["success": .bool(true), "results": .array([])])),
        ("api/v0/deployments", .object(["success": .bool(true), "deployments": .array([])])),
        (
            "api/v0/benchmarks",
            .object([
                "success": .bool(true), "benchmarks_found": .int(0), "benchmarks": .array([]),
                "next_token": .null,
            ])
        ),
        ("api/v0/volumes", .object(["success": .bool(true), "volumes": .array([])])),
        ("api/v0/network_disk", .object(["success": .bool(true), "data": .array([])])),
        ("api/v0/instance_backups", .object(["success": .bool(true), "backups": .array([])])),
        (
            "api/v0/instances/pending-price-increases",
            .object(["success": .bool(true), "pending_price_increases": .array([])])
        ),
        ("api/v0/machines/maintenances", .array([])),
        ("api/v0/clusters", .object(["success": .bool(true), "clusters": .object([:])])),
        ("api/v0/overlay", .array([])),
        ("api/v0/team/members", .array([])),
        ("api/v0/team/roles-full", .array([])),
    ]

    static let post: [(path: String, reply: JSONValue)] = [
        ("api/v0/volumes/search", .object(["success": .bool(true), "offers": .array([])])),
        ("api/v0/network_volumes/search", .object(["success": .bool(true), "offers": .array([])])),
    ]

    /// `GET /api/v0/gpu_types/`: asked without a key; without rows, clients use their own list.
    static let gpuTypes = JSONValue.object(["gpu_types": .array([])])

    private static let noResults = JSONValue.object([
        "success": .bool(true), "results": .array([]), "count": .int(0), "total": .int(0),
        "next_token": .null,
    ])
}
