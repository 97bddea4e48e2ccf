internal import ArgumentParser
internal import VastAPI

/// `boathook create …`.
struct CreateVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract:
            "Make an instance; keep an SSH key, an API key, a variable, a schedule, a template.",
        subcommands: [
            CreateInstanceVerb.self, CreateInstancesVerb.self, CreateSSHKeyVerb.self,
            CreateVariableVerb.self,
            CreateScheduleVerb.self, CreateTemplateVerb.self, CreateAPIKeyVerb.self,
        ])
}

/// `boathook create instance OFFER`.
struct CreateInstanceVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "instance",
        abstract: "Make an instance on an offer.",
        discussion: """
            'boathook search offers' lists offers. The instance's id is printed; it is made, and its image fetched, \
            while you go on, unless you --wait.

              boathook create instance 3 --image debian:12 --disk 20 --onstart-cmd 'echo hello' --wait
              boathook create instance 3 --image debian:12 --env A=1 --env 'B=two words' --port 8080 --volume data:/data
              boathook create instance 3 --image debian:12 --stopped --label spare
              boathook create instance 3 --image debian:12 --args sleep 3600
              boathook create instance 3 --template 661d064bbda1f2a133816b6d55da07c3 --env MODE=slow

            Without --args, a shell runs the script at each start and stays; with it, the image's own program runs.

            Exit status: 0 made (with --wait: it runs), 1 no such offer or no room, or it did not come to run, 64 wrong \
            usage, 124 --wait took too long, 125 refused.
            """)

    @Argument(help: ArgumentHelp("The offer's id.", valueName: "offer_id"))
    var offerID: Int64

    @OptionGroup var create: CreateOptions

    @OptionGroup var waiting: WaitOptions

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let client = try options.client()
        let body = try create.body()
        let reply: CreateInstanceReply = try await VerbFailure.naming {
            try await client.put(
                APIPath.ask(offerID), body, idempotencyKey: CommandWaiting.idempotencyKey())
        }
        try await finish(reply, client, create, waiting, options)
    }
}

/// `boathook launch …`.
struct LaunchVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "launch", abstract: "Make an instance wherever there is room.",
        subcommands: [LaunchInstanceVerb.self])
}

/// `boathook launch instance`.
struct LaunchInstanceVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "instance",
        abstract: "Make an instance on the first offer that is found.",
        discussion: """
            The flags are those of 'boathook create instance', and filters those of 'boathook search offers':

              boathook launch instance --gpus 2 --gpu-name RTX_4090 --image pytorch/pytorch --disk 40
              boathook launch instance --cpu --image debian:12 'cpu_cores>=8' --wait

            Exit status as of 'boathook create instance'; 1 when no offer is found.
            """)

    @Argument(help: ArgumentHelp("What the offer must be like.", valueName: "filter"))
    var filter: [String] = []

    @Option(
        name: [.customLong("gpus"), .customLong("num-gpus"), .customShort("n")],
        help: ArgumentHelp("How many GPUs.", valueName: "n"))
    var gpuCount: Int?

    @Flag(help: "On a machine without GPUs.")
    var cpu = false

    @Option(
        name: [.customShort("g"), .long],
        help: ArgumentHelp("Which ones, such as RTX_4090.", valueName: "name"))
    var gpuName: String?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Which offer is first (default: dph_total,id).", valueName: "columns"))
    var order = "dph_total,id"

    @OptionGroup var create: CreateOptions

    @OptionGroup var waiting: WaitOptions

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard cpu != (gpuCount != nil) else {
            throw ValidationError("say how many: --gpus N, or --cpu for none")
        }
        guard gpuCount ?? 1 > 0 else { throw ValidationError("--gpus is a positive number") }
        _ = try query()
    }

    func run() async throws {
        let client = try options.client()
        var body = try create.body()
        body["q"] = .object(try query())
        let reply: Launched = try await VerbFailure.naming {
            try await client.put(
                APIPath.launch, body, idempotencyKey: CommandWaiting.idempotencyKey())
        }
        switch reply {
        case .made(let reply): try await finish(reply, client, create, waiting, options)
        case .not(let message): throw ClientError(message, exitCode: 1)
        }
    }

    func query() throws -> [String: JSONValue] {
        var text = filter.joined(separator: " ") + " num_gpus=\(gpuCount ?? 0)"
        if let gpuName { text += " gpu_name=\"\(gpuName)\"" }
        var query = try OfferFilter(text).query
        query["order"] = try OfferFilter.order(order)
        query["type"] = .string("on-demand")
        query["allocated_storage"] = create.diskGB.map { .double($0) }
        var disk = query["disk_space"]?.object ?? [:]
        if disk.isEmpty { disk["gte"] = create.diskGB.map { .double($0) } }
        query["disk_space"] = disk.isEmpty ? nil : .object(disk)
        return query
    }

    /// Upstream answers 200 when nothing was found, too (contract 4).
    private enum Launched: Decodable {
        case made(CreateInstanceReply)
        case not(String)

        init(from decoder: any Decoder) throws {
            if let reply = try? CreateInstanceReply(from: decoder) {
                self = .made(reply)
            } else {
                self = .not(try ChangeReply(from: decoder).msg ?? "no offer was found")
            }
        }
    }
}

/// Tells what was made, and waits for it.
private func finish(
    _ reply: CreateInstanceReply, _ client: APIClient, _ create: CreateOptions,
    _ waiting: WaitOptions, _ options: ClientOptions
) async throws {
    try StandardStreams.print(
        options.json ? try JSONText.of(reply) : "instance \(reply.newContract)")
    guard let patience = waiting.patience else { return }
    try await InstanceWait(
        client: client, goal: create.stopped ? .made : .running, since: nil
    ).callAsFunction(for: [reply.newContract], patience: patience)
}
