internal import ArgumentParser
internal import VastAPI

/// `boathook show machines`.
struct ShowMachinesVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "machines",
        abstract: "List the machines of the fleet, and what is left of each.",
        discussion: "  boathook show machines")

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: Machines = try await options.client().get(APIPath.machines)
        if options.json {
            try StandardStreams.print(try JSONText.of(reply.machines))
            return
        }
        var table = Table(
            head: [
                "ID", "HOST", "ONLINE", "GPUS", "IN USE", "CORES", "RAM GB", "DISK GB", "FREE GB",
                "SLOTS", "ADDRESS",
            ], spares: ["RAM GB", "CORES", "DISK GB", "ADDRESS", "IN USE", "FREE GB"])
        for row in reply.machines {
            table.add([
                row.text("id"), row.text("hostname"), row.text("online"), Self.gpus(row),
                row.text("gpu_occupancy"), row.text("cpu_cores"), row.rounded("cpu_ram", per: 1000),
                row.rounded("disk_space", places: 0), row.rounded("disk_free", places: 0),
                row.text("free_slots"), row.text("public_ipaddr"),
            ])
        }
        try table.write()
    }

    private static func gpus(_ row: [String: JSONValue]) -> String {
        guard let count = row["num_gpus"]?.number, count > 0 else { return "0" }
        return "\(row.text("num_gpus")) × \(row.text("gpu_name"))"
    }

    private struct Machines: Decodable {
        let machines: [[String: JSONValue]]
    }
}

/// `boathook show machine ID`.
struct ShowMachineVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "machine", abstract: "Show one machine.",
        discussion: "  boathook show machine 1")

    @Argument(help: ArgumentHelp("The machine's id.", valueName: "machine_id"))
    var machineID: Int64

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let rows: [[String: JSONValue]] = try await VerbFailure.naming {
            try await options.client().get(APIPath.machine(machineID))
        }
        guard let row = rows.first else {
            throw ClientError("there is no machine \(machineID)", exitCode: 1)
        }
        if options.json {
            try StandardStreams.print(try JSONText.of(row))
            return
        }
        var sheet = Sheet()
        sheet.add("id", row.text("id"))
        for name in [
            "hostname", "online", "engine", "cpu_name", "cpu_cores", "cpu_ram", "disk_space",
            "disk_free",
            "free_slots", "num_gpus", "gpu_name", "gpu_occupancy", "driver_version",
            "public_ipaddr",
            "geolocation", "listed_gpu_cost",
        ] {
            sheet.add(name, row.text(name))
        }
        try sheet.write()
    }
}
