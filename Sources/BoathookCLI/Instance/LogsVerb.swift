internal import ArgumentParser
internal import VastAPI

/// `boathook logs ID`.
struct LogsVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Print what an instance has printed, running or stopped.",
        discussion: """
            The last lines of the container's log come first: --filter shows those of them that contain a text, byte \
            for byte. With --follow it goes on until the container stops, or an interrupt. --daemon shows what the \
            machine's agent did with the instance since the agent was started.

              boathook logs 7 --tail 100
              boathook logs 7 --tail 100 --filter error --follow

            The exit status is that of 'boathook execute'; of an interrupt with --follow it is 0.
            """)

    @Argument(help: ArgumentHelp("The instance's id.", valueName: "instance_id"))
    var instanceID: Int64

    @Option(
        help: ArgumentHelp(
            "How many of the last lines, at most 100000 (default: 1000).", valueName: "n"))
    var tail: Int?

    @Option(help: ArgumentHelp("Only those of them that contain this text.", valueName: "text"))
    var filter: String?

    @Flag(
        name: [.customLong("daemon"), .customLong("daemon-logs")],
        help: "What the machine did with the instance, instead.")
    var daemon = false

    @Flag(help: "Go on printing what comes.")
    var follow = false

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard !(follow && (daemon || options.json)) else {
            throw ValidationError(
                "--follow prints the instance's own log; it goes with none of --daemon, --json")
        }
        guard instanceID > 0 else { throw ValidationError("an instance's id is a positive number") }
    }

    func run() async throws {
        let client = try options.client()
        let path = APIPath.requestLogs(instance: instanceID)
        let request = LogsRequest(
            tail: tail, filter: filter, daemonLogs: daemon, follow: follow)
        let wait = follow ? nil : CommandWaiting.firstWaitSeconds
        let row = try await CommandWaiting(
            client: client, follows: follow, interrupts: Interrupts(), endsUnread: true
        ).end {
            let reply: LogsReply = try await client.put(
                path, request, wait: wait, idempotencyKey: CommandWaiting.idempotencyKey())
            return (reply.commandID, reply.result)
        }
        if options.json {
            try StandardStreams.print(try JSONText.of(row))
        } else if follow {
            // Whoever follows ends it so; there is no other end while the container runs.
            if row.state == "cancelled" { throw ExitCode(0) }
            CommandOutput(client: client, row: row).writeRemark()
        } else {
            try await CommandOutput(client: client, row: row).write()
        }
        throw ExitCode(CommandOutput.exitCode(of: row))
    }
}
