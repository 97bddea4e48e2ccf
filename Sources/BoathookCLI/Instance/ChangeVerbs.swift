internal import ArgumentParser
internal import VastAPI

/// What is done to instances that are there: `boathook start|stop|reboot|recycle|destroy instance ID…`.
protocol InstanceChange: Sendable {
    static var word: String { get }
    static var abstract: String { get }
    static var discussion: String { get }
    static var goal: InstanceWait.Goal { get }
    static func change(_ id: Int64, _ client: APIClient) async throws -> ChangeReply
}

enum StartChange: InstanceChange {
    static let word = "start"
    static let abstract = "Start stopped instances."
    static let discussion = """
        Their scripts run again, in the files that they have. A machine whose GPUs others use by now says so, and nothing is \
        started.

          boathook start instance 7 --wait
        """
    static let goal = InstanceWait.Goal.running

    static func change(_ id: Int64, _ client: APIClient) async throws -> ChangeReply {
        try await client.put(APIPath.instance(id), ["state": JSONValue.string("running")])
    }
}

enum StopChange: InstanceChange {
    static let word = "stop"
    static let abstract = "Stop instances; their files stay."
    static let discussion = """
        Commands such as 'ls', 'du' and 'rm' work on stopped instances, too; GPUs are free for others.

          boathook stop instance 7 8 --wait
        """
    static let goal = InstanceWait.Goal.stopped

    static func change(_ id: Int64, _ client: APIClient) async throws -> ChangeReply {
        try await client.put(APIPath.instance(id), ["state": JSONValue.string("stopped")])
    }
}

enum RebootChange: InstanceChange {
    static let word = "reboot"
    static let abstract = "End the processes of running instances and start them again."
    static let discussion =
        "Files stay, and scripts run again.\n\n  boathook reboot instance 7 --wait"
    static let goal = InstanceWait.Goal.restarted

    static func change(_ id: Int64, _ client: APIClient) async throws -> ChangeReply {
        try await client.put(APIPath.reboot(instance: id), [String: JSONValue]())
    }
}

enum RecycleChange: InstanceChange {
    static let word = "recycle"
    static let abstract = "Give instances new containers, made from the same image."
    static let discussion = """
        What was written beside volumes is gone; ids, labels and volumes stay.

          boathook recycle instance 7 --wait
        """
    static let goal = InstanceWait.Goal.renewed

    static func change(_ id: Int64, _ client: APIClient) async throws -> ChangeReply {
        try await client.put(APIPath.recycle(instance: id), [String: JSONValue]())
    }
}

enum DestroyChange: InstanceChange {
    static let word = "destroy"
    static let abstract = "End instances for good, with their files and volumes."
    static let discussion = """
        Asks first, unless --yes; where nobody can be asked, --yes is needed. Ids are never given out again. They are hidden at \
        once; --wait returns when their machines have removed them, and their room is free.

          boathook destroy instance 7 8 -y --wait
        """
    static let goal = InstanceWait.Goal.gone

    static func change(_ id: Int64, _ client: APIClient) async throws -> ChangeReply {
        try await client.delete(APIPath.instance(id))
    }
}

/// `boathook VERB …`: what it can be done to.
struct ChangeVerb<Change: InstanceChange>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Change.word, abstract: Change.abstract,
            subcommands: [ChangeInstancesVerb<Change>.self])
    }
}

/// `boathook VERB instance ID…`; upstream has `instances` for several.
struct ChangeInstancesVerb<Change: InstanceChange>: ClientVerb {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "instance", abstract: Change.abstract,
            discussion: Change.discussion + """


                Exit status: 0 asked for (with --wait: done), 1 no such instance, or it did not come about, 64 wrong usage, \
                124 --wait took too long, 125 refused.
                """,
            aliases: ["instances"])
    }

    @Argument(help: ArgumentHelp("The instances' ids.", valueName: "instance_id"))
    var instanceIDs: [Int64]

    /// Taken everywhere, for scripts; told of where it changes anything.
    @Flag(
        name: [.short, .long],
        help: ArgumentHelp(
            "Do not ask first.", visibility: Change.goal == .gone ? .default : .hidden))
    var yes = false

    @OptionGroup var waiting: WaitOptions

    @OptionGroup var options: ClientOptions

    func run() async throws {
        if Change.goal == .gone, !yes { try Consent.ask("Destroy \(names), with all their files?") }
        let client = try options.client()
        var former: [Int64: InstanceRow] = [:]
        var outcomes: [Outcome] = []
        for id in instanceIDs {
            outcomes.append(await change(id, client, &former[id]))
            // No other answer is to be had with that key, and wrong keys are counted.
            if outcomes.last?.isKeyRefused == true { break }
        }
        if options.json { try StandardStreams.print(try JSONText.of(outcomes)) }
        var codes = outcomes.compactMap(\.exitCode)
        if let patience = waiting.patience {
            do {
                try await InstanceWait(client: client, goal: Change.goal, since: former)
                    .callAsFunction(for: outcomes.filter(\.success).map(\.id), patience: patience)
            } catch let error as ClientError {
                StandardStreams.complain(error.description)
                codes.append(error.exitCode)
            }
        }
        if let code = codes.max() { throw ExitCode(code) }
    }

    private var names: String {
        (instanceIDs.count == 1 ? "instance " : "instances ")
            + instanceIDs.map { "\($0)" }.joined(separator: ", ")
    }

    /// One instance's answer; the others are still asked for when it is no, or when there is none.
    ///
    /// - Parameters:
    ///   - id: Which.
    ///   - client: To ask.
    ///   - former: Becomes the instance as it was before, when that is waited for to change.
    /// - Returns: What came of it.
    private func change(_ id: Int64, _ client: APIClient, _ former: inout InstanceRow?) async
        -> Outcome
    {
        var outcome = Outcome(id: id, success: false)
        do {
            if waiting.wait {
                let reply: InstanceReply = try await client.get(APIPath.instance(id))
                former = reply.instances
            }
            let reply = try await VerbFailure.naming { try await Change.change(id, client) }
            guard reply.success else { throw ClientError(reply.msg ?? "refused", exitCode: 1) }
            outcome.success = true
            if !options.json { try StandardStreams.print("\(Change.word) instance \(id)") }
        } catch {
            let error = error as? ClientError ?? ClientError("\(error)")
            StandardStreams.complain("instance \(id): \(error.description)")
            outcome.msg = error.description
            outcome.exitCode = error.exitCode
            outcome.isKeyRefused = error.status == 401
        }
        return outcome
    }

    private struct Outcome: Encodable {
        var id: Int64
        var success: Bool
        var msg: String?
        var exitCode: Int32?
        var isKeyRefused = false

        enum CodingKeys: String, CodingKey { case id, success, msg }
    }
}

/// `boathook label …`.
struct LabelVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Call an instance something.",
        subcommands: [LabelInstanceVerb.self])
}

/// `boathook label instance ID TEXT`.
struct LabelInstanceVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "instance", abstract: "Call an instance something.",
        discussion: "  boathook label instance 7 training-run-1")

    @Argument(help: ArgumentHelp("The instance's id.", valueName: "instance_id"))
    var instanceID: Int64

    @Argument(help: ArgumentHelp("The label.", valueName: "text"))
    var text: String?

    @Option(help: ArgumentHelp("The same, as upstream's documents write it.", valueName: "text"))
    var label: String?

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard (text == nil) != (label == nil) else {
            throw ValidationError("one label is expected")
        }
    }

    func run() async throws {
        let client = try options.client()
        let reply: ChangeReply = try await VerbFailure.naming {
            try await client.put(
                APIPath.instance(instanceID), ["label": JSONValue.string(text ?? label ?? "")])
        }
        try StandardStreams.print(
            options.json ? try JSONText.of(reply) : "label instance \(instanceID)")
        if !reply.success { throw ExitCode(1) }
    }
}
