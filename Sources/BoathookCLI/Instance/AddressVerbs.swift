internal import ArgumentParser
internal import VastAPI

/// `boathook ssh-url ID`.
struct SSHURLVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "ssh-url", abstract: "Print where an instance is reached by SSH.",
        discussion: "  ssh \"$(boathook ssh-url 7)\"")

    @Argument(help: ArgumentHelp("The instance's id.", valueName: "instance_id"))
    var instanceID: Int64

    @OptionGroup var options: ClientOptions

    func run() async throws { try await InstanceAddress.show(instanceID, "ssh", options) }
}

/// `boathook scp-url ID`.
struct SCPURLVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "scp-url", abstract: "Print where files are copied to and from an instance.",
        discussion: """
              scp results.tar "$(boathook scp-url 7)//workspace/"
            """)

    @Argument(help: ArgumentHelp("The instance's id.", valueName: "instance_id"))
    var instanceID: Int64

    @OptionGroup var options: ClientOptions

    func run() async throws { try await InstanceAddress.show(instanceID, "scp", options) }
}

/// Where an instance's ports are reached.
enum InstanceAddress {
    static func show(_ id: Int64, _ scheme: String, _ options: ClientOptions) async throws {
        let reply: InstanceReply = try await options.client().get(APIPath.instance(id))
        guard let row = reply.instances else {
            throw ClientError("there is no instance \(id)", exitCode: 1)
        }
        guard let address = of("22/tcp", in: row) else {
            throw ClientError(
                "instance \(id) has no way in by SSH (it is \(row.text("actual_status")))",
                exitCode: 1)
        }
        let url = "\(scheme)://root@\(address)"
        try StandardStreams.print(options.json ? try JSONText.of(["url": url]) : url)
    }

    /// Such as `203.0.113.7:40022`; nil when it is not reached.
    static func of(_ port: String, in row: InstanceRow) -> String? {
        guard let mapping = row["ports"]?.object?[port]?.array?.first?.object,
            let number = mapping["HostPort"]?.string, let host = row["public_ipaddr"]?.string,
            !host.isEmpty
        else { return nil }
        return host.contains(":") ? "[\(host)]:\(number)" : "\(host):\(number)"
    }

    /// All ports, each with where it is reached.
    static func all(in row: InstanceRow) -> [(port: String, address: String)] {
        (row["ports"]?.object ?? [:]).keys.sorted().compactMap { port in
            of(port, in: row).map { (port, $0) }
        }
    }
}
