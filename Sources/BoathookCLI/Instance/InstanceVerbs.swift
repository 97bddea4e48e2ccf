internal import ArgumentParser
internal import VastAPI

/// `boathook show …`.
struct ShowVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show instances, commands, or yourself.",
        subcommands: [
            ShowInstancesVerb.self, ShowInstanceVerb.self, ShowCommandsVerb.self,
            ShowCommandVerb.self, ShowUserVerb.self,
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
        for line in table.lines { try StandardStreams.print(line) }
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
            "actual_status", "label", "image_uuid", "machine_id", "container_id", "status_msg",
        ] {
            table.add([name, row.text(name)])
        }
        for line in table.lines { try StandardStreams.print(line) }
    }
}

extension InstanceRow {
    /// A column as a person reads it.
    fileprivate func text(_ name: String) -> String {
        switch self[name] ?? .null {
        case .string(let text): text
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .bool(let value): "\(value)"
        default: "-"
        }
    }
}
