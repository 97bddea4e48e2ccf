internal import ArgumentParser
internal import UnixSignals
internal import VastAPI

/// `boathook execute ID COMMAND`.
struct ExecuteVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "execute",
        abstract: "Run a constrained command on an instance, running or stopped.",
        discussion: """
            The command is one argument, quoted as for a shell; nothing in it is expanded. After '--', \
            several arguments are taken as the command's words. The default policy has ls, du and rm:

              boathook execute 12345 'ls -l -o -r'
              boathook execute 12345 'du -d2 -h'
              boathook execute 12345 'rm -r home/delete_this.txt'

            With --follow, the output is printed while the command writes it.

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
                idempotencyKey: Self.idempotencyKey())
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
        let interrupts = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let reply: ExecuteReply = try await client.put(
            APIPath.execute(instance: instanceID), request,
            wait: follow ? nil : Self.firstWaitSeconds, idempotencyKey: Self.idempotencyKey())
        return try await withThrowingTaskGroup(of: CommandRow?.self) { group in
            group.addTask { try await end(reply, client) }
            group.addTask {
                for await _ in interrupts {
                    let _: CancelReply? = try? await client.delete(APIPath.command(reply.commandID))
                }
                return nil
            }
            while let row = try await group.next() {
                guard let row else { continue }
                group.cancelAll()
                return row
            }
            throw CancellationError()
        }
    }

    private func end(_ reply: ExecuteReply, _ client: APIClient) async throws -> CommandRow {
        if follow {
            return try await CommandFollower(client: client, commandID: reply.commandID).follow()
        }
        var row = reply.result
        do {
            while row?.final != true {
                row = try await client.patiently(for: Self.patience) {
                    try await client.get(APIPath.command(reply.commandID), wait: Self.waitSeconds)
                }
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw ClientError(
                "command \(reply.commandID) was accepted, but its end is not known: \(error)",
                exitCode: 126)
        }
        guard let row else {
            throw ClientError("the server told nothing of the command", exitCode: 126)
        }
        return row
    }

    private func showDecision(_ client: APIClient, _ request: ExecuteRequest) async throws {
        var request = request
        request.dryRun = .bool(true)
        let reply: DryRun = try await client.put(
            APIPath.execute(instance: instanceID), request, wait: Self.firstWaitSeconds)
        guard let listing = reply.listing else {
            try StandardStreams.print(try JSONText.of(reply.decision))
            guard reply.decision.object?["verdict"] == .string("allow") else { throw ExitCode(125) }
            return
        }
        let row = try await end(listing, client)
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

    /// How long the order itself waits for the command's end; until it is answered, there is no id that
    /// an interrupt could cancel.
    private static let firstWaitSeconds = 1
    /// How long each later request waits.
    private static let waitSeconds = 30
    /// How long the server may be away while a command runs.
    private static let patience = Duration.seconds(60)

    /// One order, however often it must be sent.
    private static func idempotencyKey() -> String {
        "boathook-\(UInt64.random(in: .min ... .max))-\(UInt64.random(in: .min ... .max))"
    }
}
