internal import ArgumentParser
internal import VastAPI

/// `boathook execute ID COMMAND`.
struct ExecuteVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "execute",
        abstract: "Run a constrained command on an instance, running or stopped.",
        discussion: """
            The command is one argument, quoted as for a shell; nothing in it is expanded. After '--', \
            several arguments are taken as the command's words. The default policy has ls, du and rm:

              boathook execute 12345 'ls -l -o -r'
              boathook execute 12345 'du -d2 -h'
              boathook execute 12345 'rm -r home/delete_this.txt'

            With --follow, the output is printed while the command writes it. An interrupt cancels the command.

            'rm' with --dry-run lists what would go and how much that frees, and prints a plan, which --plan \
            then applies if the files are still the same.

            Paths are relative to the instance's root. On a terminal, control characters in the output \
            are shown escaped; a pipe gets the exact bytes.
            """)

    @Argument(help: ArgumentHelp("The instance's id.", valueName: "instance_id"))
    var instanceID: Int64

    @Argument(help: ArgumentHelp("The command.", valueName: "command"))
    var command: [String]

    @Option(help: ArgumentHelp("Kill the command after this many seconds.", valueName: "s"))
    var timeout: Int?

    @Flag(help: "Show the decision, and of rm what it would remove; change nothing.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "Remove only what that dry run listed, or nothing.", valueName: "n"))
    var plan: Int64?

    @Option(
        help: ArgumentHelp(
            "merged (all files), or writable (what the instance wrote itself, which its owner pays for).",
            valueName: "view"))
    var view: String?

    @Flag(help: "Print the command's id and do not wait for it.")
    var detach = false

    @Flag(help: "Print the output while the command writes it.")
    var follow = false

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard !(follow && (detach || options.json || dryRun)) else {
            throw ValidationError(
                "--follow prints the output; it goes with none of --detach, --json, --dry-run")
        }
        guard !(detach && dryRun) else {
            throw ValidationError("--dry-run is waited for; it does not go with --detach")
        }
        guard instanceID > 0 else { throw ValidationError("an instance's id is a positive number") }
        guard !command.isEmpty else { throw ValidationError("a command is missing") }
    }

    func run() async throws {
        let client = try options.client()
        var request = ExecuteRequest(
            command: command[0], timeout: timeout, view: view, plan: plan)
        if command.count > 1 {
            request.command = nil
            request.argv = .array(command.map { .string($0) })
        }
        if dryRun {
            try await showDecision(client, request)
            return
        }
        if detach {
            let reply: ExecuteReply = try await client.put(
                APIPath.execute(instance: instanceID), request,
                idempotencyKey: CommandWaiting.idempotencyKey())
            try StandardStreams.print(
                options.json ? try JSONText.of(reply) : "command \(reply.commandID)")
            return
        }
        let row = try await ended(request, client)
        let output = CommandOutput(client: client, row: row)
        if options.json {
            try StandardStreams.print(try JSONText.of(row))
        } else if follow {
            output.writeRemark()
        } else {
            try await output.write()
        }
        throw ExitCode(CommandOutput.exitCode(of: row))
    }

    /// Runs the command to its end.
    ///
    /// An interrupt cancels it; the end then tells what came of that.
    private func ended(_ request: ExecuteRequest, _ client: APIClient) async throws -> CommandRow {
        let path = APIPath.execute(instance: instanceID)
        let wait = follow ? nil : CommandWaiting.firstWaitSeconds
        return try await CommandWaiting(
            client: client, follows: follow, interrupts: Interrupts()
        ).end {
            let reply: ExecuteReply = try await client.put(
                path, request, wait: wait, idempotencyKey: CommandWaiting.idempotencyKey())
            return (reply.commandID, reply.result)
        }
    }

    private func showDecision(_ client: APIClient, _ request: ExecuteRequest) async throws {
        var request = request
        request.dryRun = .bool(true)
        let reply: DryRun = try await client.put(
            APIPath.execute(instance: instanceID), request, wait: CommandWaiting.firstWaitSeconds)
        guard let listing = reply.listing else {
            try StandardStreams.print(try JSONText.of(reply.decision))
            guard reply.decision.object?["verdict"] == .string("allow") else { throw ExitCode(125) }
            return
        }
        let row = try await CommandWaiting(
            client: client, follows: false, interrupts: Interrupts()
        ).end { (listing.commandID, listing.result) }
        if options.json {
            try StandardStreams.print(try JSONText.of(row))
        } else {
            try await CommandOutput(client: client, row: row).write()
            if let removal = row.removal {
                StandardStreams.complain(
                    "\(removal.entries) files and folders would go, \(removal.bytes) bytes would be freed; apply with --plan \(row.id)"
                )
            }
        }
        throw ExitCode(CommandOutput.exitCode(of: row))
    }

    /// The answer to a dry run: a decision alone, or a listing that is under way.
    private struct DryRun: Decodable {
        let decision: JSONValue
        let listing: ExecuteReply?

        init(from decoder: any Decoder) throws {
            decision = try DryRunReply(from: decoder).decision
            listing = try? ExecuteReply(from: decoder)
        }
    }
}
