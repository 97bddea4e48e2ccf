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
            ShowVariablesVerb.self, ShowUserVerb.self,
        ])
}

/// `boathook show instances`.
struct ShowInstancesVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instances", abstract: "List your instances.")

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: InstanceListReply = try await options.client().get(APIPath.instances)
        if options.json {
            try StandardStreams.print(try JSONText.of(reply.instances))
            return
        }
        var table = Table(head: ["ID", "STATUS", "MACHINE", "LABEL", "IMAGE"])
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
struct ShowInstanceVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instance", abstract: "Show one instance.")

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
        var table = Table(head: ["id", row.text("id")])
        for name in [
            "actual_status", "intended_status", "label", "image_uuid", "machine_id", "num_gpus",
            "disk_space", "container_id", "status_msg",
        ] {
            table.add([name, row.text(name)])
        }
        for (port, address) in InstanceAddress.all(in: row) { table.add([port, address]) }
        for line in table.lines { try StandardStreams.print(line) }
    }
}
