internal import ArgumentParser
internal import VastAPI

/// `boathook show audit-logs`.
struct ShowAuditLogsVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "audit-logs",
        abstract: "List what was done with your account's keys, the newest first.",
        discussion: "  boathook show audit-logs --limit 20")

    @Option(help: ArgumentHelp("How many, at most 500 (default: 500).", valueName: "n"))
    var limit = 500

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard (1...500).contains(limit) else {
            throw ValidationError("--limit is a number from 1 to 500")
        }
    }

    func run() async throws {
        let rows: [AuditLogRow] = try await options.client().get(
            "\(APIPath.auditLogs)?limit=\(limit)")
        if options.json {
            try StandardStreams.print(try JSONText.of(rows))
            return
        }
        var table = Table(
            head: ["ID", "TIME", "KEY", "FROM", "EVENT", "WHAT"],
            spares: ["KEY", "FROM", "TIME"])
        for row in rows {
            table.add([
                "\(row.id)", MomentText.of(row.createdAt), row.apiKeyID.map { "\($0)" } ?? "-",
                row.ipAddress ?? "-", row.event, Self.text(row.args),
            ])
        }
        try table.write()
    }

    static func text(_ arguments: [String: JSONValue]) -> String {
        arguments.keys.sorted().map { "\($0)=\(arguments.text($0))" }.joined(separator: " ")
    }
}

/// `boathook show ipaddrs`.
struct ShowAddressesVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "ipaddrs", abstract: "List from where your account's keys were used.",
        discussion: "  boathook show ipaddrs")

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: AddressListReply = try await options.client().get(APIPath.addresses)
        if options.json {
            try StandardStreams.print(try JSONText.of(reply.results))
            return
        }
        var table = Table(head: ["ADDRESS", "SINCE"])
        for row in reply.results { table.add([row.ipAddress, row.firstSeen]) }
        try table.write()
    }
}
