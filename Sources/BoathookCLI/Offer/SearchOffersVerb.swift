internal import ArgumentParser
internal import VastAPI

/// `boathook search …`.
struct SearchVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Find what instances can be made on, and from.",
        subcommands: [SearchOffersVerb.self, SearchTemplatesVerb.self])
}

/// `boathook search offers [FILTER…]`.
struct SearchOffersVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "offers",
        abstract: "List the parts of machines that an instance can be made on.",
        discussion: """
            A filter is a column, one of = != < <= > >= in notin, and a value; quote it, because a shell reads < and >. \
            Without --no-default, only offers that can be had now are listed.

              boathook search offers
              boathook search offers 'num_gpus>=1 gpu_name=RTX_4090' --order dph_total
              boathook search offers 'num_gpus=0 disk_space>=100 cpu_ram>=16'

            Columns are upstream's, among them: num_gpus, gpu_name, gpu_ram (GB), cpu_cores, cpu_ram (GB), cpu_arch, \
            disk_space (GB), dph_total (dollars an hour), machine_id, geolocation, driver_version, cuda_max_good, \
            rentable. A minus behind a column of --order sorts from the highest down.

            The id of an offer is what 'boathook create instance' takes.
            """)

    @Argument(help: ArgumentHelp("What they must be like.", valueName: "filter"))
    var filter: [String] = []

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Columns to sort by (default: dph_total,id).", valueName: "columns"))
    var order = "dph_total,id"

    @Option(help: ArgumentHelp("How many at most.", valueName: "n"))
    var limit: Int?

    @Flag(name: [.short, .long], help: "Offers that cannot be had now, too.")
    var noDefault = false

    @OptionGroup var options: ClientOptions

    func validate() throws { _ = try query() }

    func run() async throws {
        let reply: OffersReply = try await options.client().post(APIPath.offers, try query())
        if options.json {
            try StandardStreams.print(try JSONText.of(reply.offers))
            return
        }
        var table = Table(
            head: [
                "ID", "GPUS", "GPU", "CORES", "RAM GB", "DISK GB", "$/H", "MACHINE", "LOCATION",
                "FREE",
            ], spares: ["LOCATION", "MACHINE", "CORES", "FREE"])
        for row in reply.offers {
            table.add([
                row.text("id"), row.text("num_gpus"), row.text("gpu_name"),
                row.rounded("cpu_cores_effective"), row.rounded("cpu_ram", per: 1000),
                row.rounded("disk_space"), row.rounded("dph_total", places: 4),
                row.text("machine_id"), row.text("geolocation"),
                row["rentable"] == .bool(true) ? "yes" : "no",
            ])
        }
        try table.write()
    }

    func query() throws -> [String: JSONValue] {
        var query = try OfferFilter(filter.joined(separator: " "), hasDefaults: !noDefault).query
        query["order"] = try OfferFilter.order(order)
        query["type"] = .string("on-demand")
        if let limit {
            guard limit > 0 else { throw ValidationError("--limit is a positive number") }
            query["limit"] = .int(Int64(limit))
        }
        return query
    }
}
