internal import AgentLink
internal import ControlPlane
internal import Hummingbird
internal import VastAPI

/// `GET /api/v0/machines`: every machine of the fleet for its operator, and none for anybody else (contract 8).
struct MachineListRoute: Sendable {
    let access: MachineAccess
    let rows: MachineRows

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let machines = try await access.machines(of: context.requirePrincipal())
        return try .json(["machines": machines.map(rows.row)])
    }
}

/// `GET /api/v0/machines/{id}`: a list with one row.
struct MachineRoute: Sendable {
    let access: MachineAccess
    let rows: MachineRows

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        guard let id = context.parameters.get("id").flatMap({ Int64(canonical: $0) }),
            let record = try await access.machine(id, as: principal)
        else {
            throw WireError(
                status: .notFound, reply: ErrorReply(error: "not_found", msg: "Machine not found."))
        }
        return try .json([rows.row(record)])
    }
}

/// Machines as rows of the wire; `hostname` is a text and numbers are numbers: the command line's table slices and
/// formats them.
struct MachineRows: Sendable {
    let dispatcher: Dispatcher

    func row(_ record: MachineRecord) -> [String: JSONValue] {
        let report = record.report
        let reach = dispatcher.reach(record.id)
        let isConnected = reach != .none
        let gpuCount = report?.gpus.count ?? 0
        let used = gpuCount - (record.free?.gpus ?? gpuCount)
        let occupancy = (0..<gpuCount).map { $0 < used ? "D" : "x" }.joined(separator: " ")
        return [
            "id": .int(record.id),
            "machine_id": .int(record.id),
            "hostname": .string(report?.hostname ?? record.machine.name),
            "num_gpus": .int(Int64(gpuCount)),
            "gpu_name": .string(
                report?.gpus.first.map { OfferRows.shortName($0.name) } ?? ""),
            "gpu_occupancy": .string(occupancy),
            "cpu_name": .string(report?.cpuName ?? ""),
            "cpu_cores": .int(Int64(report?.cpuCores ?? 0)),
            "cpu_ram": .double(report?.memoryMB ?? 0),
            "disk_space": .double(report?.diskGB ?? 0),
            "disk_free": .double(record.free?.diskGB ?? 0),
            "free_slots": .int(Int64(record.free?.slots ?? 0)),
            "driver_version": .string(report?.driverVersion ?? ""),
            "engine": .string(report?.engine ?? ""),
            "reliability2": .double(1),
            "verification": .string("verified"),
            "public_ipaddr": .string(report?.publicAddress ?? ""),
            "geolocation": .string(report?.location ?? ""),
            "num_reports": .int(0),
            "listed": .bool((report?.slots ?? 0) > 0),
            "listed_gpu_cost": .double(report?.price ?? 0),
            "min_bid_price": .double(report?.price ?? 0),
            "credit_discount_max": .double(0),
            "listed_inet_up_cost": .double(0),
            "listed_inet_down_cost": .double(0),
            "listed_storage_cost": .double(0),
            "timeout": .int(isConnected ? 0 : 1),
            "online": .bool(isConnected),
            "engine_answers": .bool(reach == .full),
        ]
    }
}
