internal import ArgumentParser
internal import VastAPI

/// `boathook show …`.
struct ShowVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show instances, commands, machines, or what is yours.",
        subcommands: [
            ShowInstancesVerb.self, ShowInstanceVerb.self, ShowCommandsVerb.self,
            ShowCommandVerb.self, SearchOffersVerb.self, ShowMachinesVerb.self,
            ShowMachineVerb.self, ShowSchedulesVerb.self, ShowSSHKeysVerb.self,
            ShowAPIKeysVerb.self, ShowAPIKeyVerb.self, ShowVariablesVerb.self, ShowUserVerb.self,
            ShowAuditLogsVerb.self, ShowAddressesVerb.self,
        ])
}

/// `boathook show instances`.
struct ShowInstancesVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "instances", abstract: "List your instances.",
        discussion: """
              boathook show instances
              boathook stop instances $(boathook show instances -q) --wait
            """)

    @Flag(name: [.short, .long], help: "Print their ids alone, one a line.")
    var quiet = false

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: InstanceListReply = try await options.client().get(APIPath.instances)
        if options.json {
            try StandardStreams.print(
                quiet
                    ? try JSONText.of(reply.instances.map { $0["id"] })
                    : try JSONText.of(reply.instances))
            return
        }
        if quiet {
            for row in reply.instances { try StandardStreams.print(row.text("id")) }
            return
        }
        var table = Table(
            head: ["ID", "STATUS", "MACHINE", "LABEL", "IMAGE"],
            spares: ["MACHINE", "IMAGE", "LABEL"])
        for row in reply.instances {
            table.add([
                row.text("id"), row.text("actual_status"), row.text("machine_id"),
                row.text("label"), row.text("image_uuid"),
            ])
        }
        try table.write()
    }
}

/// `boathook show instance ID`.
struct ShowInstanceVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "instance", abstract: "Show one instance.",
        discussion: "  boathook show instance 7 --json")

    @Argument(help: ArgumentHelp("The instance's id.", valueName: "instance_id"))
    var instanceID: Int64

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: InstanceReply = try await options.client().get(APIPath.instance(instanceID))
        guard let row = reply.instances else {
            throw ClientError("there is no instance \(instanceID)", exitCode: 1)
        }
        if options.json {
            try StandardStreams.print(try JSONText.of(row))
            return
        }
        var sheet = Sheet()
        sheet.add("id", row.text("id"))
        for name in [
            "actual_status", "intended_status", "label", "image_uuid", "machine_id", "num_gpus",
            "disk_space", "container_id", "status_msg",
        ] {
            sheet.add(name, row.text(name))
        }
        for (port, address) in InstanceAddress.all(in: row) { sheet.add(port, address) }
        try sheet.write()
    }
}
