internal import ArgumentParser
internal import FoundationEssentials
internal import VastAPI

/// `boathook cancel N`.
struct CancelVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a command that has not ended.",
        discussion: "  boathook cancel 42")

    @Argument(help: ArgumentHelp("The command's id.", valueName: "command_id"))
    var commandID: Int64

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: CancelReply = try await VerbFailure.naming {
            try await options.client().delete(APIPath.command(commandID))
        }
        try StandardStreams.print(
            options.json ? try JSONText.of(reply) : "\(reply.msg) (It was \(reply.state).)")
        if !reply.success { throw ExitCode(1) }
    }
}

/// `boathook follow N`.
struct FollowVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "follow",
        abstract: "Print a command's output from its beginning on, while it is written.",
        discussion: """
            The exit status is that of 'boathook execute'. An interrupt ends this program alone.

              boathook execute 7 'du -a -h' --detach
              boathook follow 42
            """)

    @Argument(help: ArgumentHelp("The command's id.", valueName: "command_id"))
    var commandID: Int64

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let client = try options.client()
        var streams = OwnStreams()
        let row = try await CommandFollower(
            client: client, commandID: commandID, isGivenHere: false
        ).follow(&streams)
        CommandOutput(client: client, row: row).writeRemark()
        throw ExitCode(CommandOutput.exitCode(of: row))
    }
}

/// `boathook show commands`.
struct ShowCommandsVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "commands", abstract: "List the newest commands.",
        discussion: "  boathook show commands --limit 5")

    @Option(help: ArgumentHelp("How many, at most 500.", valueName: "n"))
    var limit = 25

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: CommandListReply = try await options.client().get(
            "\(APIPath.commands)?limit=\(limit)")
        if options.json {
            try StandardStreams.print(try JSONText.of(reply.commands))
            return
        }
        var table = Table(
            head: ["ID", "INSTANCE", "STATE", "EXIT", "BYTES", "COMMAND"],
            spares: ["BYTES", "EXIT", "INSTANCE"])
        for row in reply.commands {
            table.add([
                "\(row.id)", "\(row.instanceID)", row.state, row.exitCode.map { "\($0)" } ?? "-",
                row.outputBytes.map { "\($0)" } ?? "-", row.command,
            ])
        }
        try table.write()
    }
}

/// `boathook show command N`.
struct ShowCommandVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "command",
        abstract: "Show one command: state, exit code, times, output, decision.",
        discussion: "  boathook show command 42")

    @Argument(help: ArgumentHelp("The command's id.", valueName: "command_id"))
    var commandID: Int64

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let client = try options.client()
        let row: CommandRow = try await VerbFailure.naming {
            try await client.get(APIPath.command(commandID))
        }
        if options.json {
            try StandardStreams.print(try JSONText.of(row))
            return
        }
        var sheet = Sheet()
        sheet.add("command", "\(row.id)")
        sheet.add("instance", "\(row.instanceID)")
        sheet.add("text", row.command)
        sheet.add("state", row.state)
        if let exitCode = row.exitCode { sheet.add("exit code", "\(exitCode)") }
        if let signal = row.signal { sheet.add("signal", "\(signal)") }
        if let note = row.note { sheet.add("note", note) }
        if let bytes = row.outputBytes {
            sheet.add("output", "\(bytes) bytes\(row.complete == false ? ", not complete" : "")")
        }
        if let sha256 = row.sha256 { sheet.add("sha256", sha256) }
        if let runtime = row.runtime {
            sheet.add("runtime", "\((runtime * 1000).rounded() / 1000) s")
        }
        if let decision = row.decision.object {
            if case .string(let rule)? = decision["rule"] { sheet.add("rule", rule) }
            if case .string(let view)? = decision["view"], view != "merged" {
                sheet.add("view", view)
            }
        }
        if let removal = row.removal {
            sheet.add(
                removal.removed ? "removed" : "would remove",
                "\(removal.entries) files and folders, \(removal.bytes) bytes freed")
            for path in removal.paths.prefix(Self.shownPathCount) { sheet.add("", path) }
            if removal.entries > Int64(min(removal.paths.count, Self.shownPathCount)) {
                sheet.add("", "…")
            }
        }
        try sheet.write()
        guard row.final else { return }
        let output = CommandOutput(client: client, row: row)
        do {
            try await output.write()
        } catch let error as ClientError where error.status == 404 {
            StandardStreams.complain("boathook: its output is not kept any more")
            output.writeRemark()
        }
    }

    /// A receipt is to be seen at a glance; --json has more of it.
    private static let shownPathCount = 10
}
