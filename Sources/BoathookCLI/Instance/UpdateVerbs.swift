internal import ArgumentParser
internal import FoundationEssentials
internal import VastAPI

/// `boathook update …`.
struct UpdateVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Make an instance anew, from something else.",
        subcommands: [UpdateInstanceVerb.self])
}

/// `boathook update instance ID`.
struct UpdateInstanceVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "instance",
        abstract: "Give an instance a new container, made from something else.",
        discussion: """
            What was written beside volumes is gone; the id, the disk, GPUs, label, volumes, ports and the instance's key stay. With a \
            template it is as if it were made from that; without, what is not said stays as it is. With no flag at all, \
            it is made from the newest version of its own template.

              boathook update instance 7 --image debian:13 --wait
              boathook update instance 7 --env MODE=slow --env 'BOTH=one two' --onstart 'echo hello'
              boathook update instance 7 --template 661d064bbda1f2a133816b6d55da07c3

            Exit status: 0 asked for (with --wait: done), 1 no such instance, or it did not come about, 64 wrong usage, 124 \
            --wait took too long, 125 refused.
            """)

    @Argument(help: ArgumentHelp("The instance's id.", valueName: "instance_id"))
    var instanceID: Int64

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The container image, such as debian:13.", valueName: "name"))
    var image: String?

    @Option(
        name: [.long, .customLong("template_hash_id"), .customLong("template-hash-id")],
        help: ArgumentHelp(
            "A template, which says what is not said here; 'boathook search templates' lists them.",
            valueName: "hash"))
    var template: String?

    @Option(
        name: [.customLong("template-id"), .customLong("template_id")],
        help: ArgumentHelp("The same by its id: its newest version.", valueName: "id"))
    var templateID: Int64?

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            """
            All variables of its own, as NAME=VALUE, again for each; or upstream's '{"NAME": "VALUE"}'; or '-e NAME=VALUE -p 8080:8080 \
            -h HOST -v NAME:/PATH', of which ports and volumes are added to those that are there.
            """, valueName: "text"))
    var env: [String] = []

    @Option(
        name: [.long, .customLong("onstart-cmd")], parsing: .unconditional,
        help: ArgumentHelp("A script that runs at each start, as text.", valueName: "text"))
    var onstart: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The arguments of the image's own program, if that is what runs: words, with quotes.",
            valueName: "text"))
    var args: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "'-u USER -p PASSWORD REGISTRY', for an image that wants it.", valueName: "text"))
    var login: String?

    @OptionGroup var waiting: WaitOptions

    @OptionGroup var options: ClientOptions

    func validate() throws { _ = try environment() }

    func run() async throws {
        let client = try options.client()
        let body = try body()
        var former: [Int64: InstanceRow] = [:]
        if waiting.wait {
            let reply: InstanceReply = try await client.get(APIPath.instance(instanceID))
            former[instanceID] = reply.instances
        }
        let reply: UpdateInstanceReply = try await VerbFailure.naming {
            try await client.put(APIPath.update(instance: instanceID), body)
        }
        try StandardStreams.print(
            options.json ? try JSONText.of(reply) : "update instance \(instanceID)")
        guard let patience = waiting.patience else { return }
        try await InstanceWait(client: client, goal: .renewed, since: former)
            .callAsFunction(for: [instanceID], patience: patience)
    }

    /// As upstream's client has it (contract 3.5): what was not said is not in it.
    func body() throws -> [String: JSONValue] {
        var body: [String: JSONValue] = ["id": .int(instanceID)]
        body["image"] = image.map { .string($0) }
        body["template_hash_id"] = template.map { .string($0) }
        body["template_id"] = templateID.map { .int($0) }
        body["env"] = try environment().map { .object($0) }
        body["onstart"] = onstart.map { .string($0) }
        body["args"] = args.map { .string($0) }
        body["image_login"] = login.map { .string($0) }
        return body
    }

    /// Read as the server reads it, so that it is refused here in the same words.
    private func environment() throws -> [String: JSONValue]? {
        guard !env.isEmpty else { return nil }
        var values: [String: JSONValue] = [:]
        do {
            for text in env { values.merge(try Self.read(text)) { $1 } }
            _ = try ContainerOptions(.object(values))
        } catch let error as ContainerOptions.Unusable {
            throw ValidationError(error.message)
        }
        return values
    }

    private static func read(_ text: String) throws -> [String: JSONValue] {
        if text.hasPrefix("{") {
            let object = try? JSONDecoder().decode(
                [String: JSONValue].self, from: Data(text.utf8))
            guard let object else { throw ValidationError("--env \(text): no JSON object") }
            return object
        }
        guard text.hasPrefix("-") else {
            guard let equals = text.firstIndex(of: "=") else {
                throw ValidationError("--env \(text): NAME=VALUE is expected")
            }
            return [
                String(text[..<equals]): .string(String(text[text.index(after: equals)...]))
            ]
        }
        let options = try ContainerOptions(.string(text))
        var values: [String: JSONValue] = [:]
        for pair in options.environment { values[pair[0]] = .string(pair[1]) }
        for port in options.ports {
            values["-p \(port.number):\(port.number)/\(port.transport)"] = .string("1")
        }
        for volume in options.volumes { values["-v \(volume.name):\(volume.path)"] = .string("1") }
        if let hostname = options.hostname { values["-h \(hostname)"] = .string("1") }
        return values
    }
}
