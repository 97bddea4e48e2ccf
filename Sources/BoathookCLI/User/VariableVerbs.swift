internal import ArgumentParser
internal import VastAPI

/// `boathook show env-vars`.
struct ShowVariablesVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "env-vars",
        abstract: "List the variables that your new instances get; values are not shown.",
        discussion: "  boathook show env-vars",
        aliases: ["env"])

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: SecretsReply = try await options.client().get(APIPath.secrets)
        if options.json {
            try StandardStreams.print(try JSONText.of(reply.secrets))
            return
        }
        for name in reply.secrets.keys.sorted() { try StandardStreams.print(name) }
    }
}

/// `boathook create env-var NAME VALUE`, and the same for one that is there.
struct CreateVariableVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "env-var", abstract: "Give your new instances a variable.",
        discussion: "  boathook create env-var HF_TOKEN hf_xxx")

    @Argument(
        help: ArgumentHelp("Its name; capital letters are made of small ones.", valueName: "name"))
    var name: String

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Its value.", valueName: "value"))
    var value: [String]

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard value.count == 1 else { throw ValidationError("one value is expected") }
    }

    func run() async throws {
        try await SetVariablesVerb.set([(name, value[0])], options)
    }
}

/// `boathook set env NAME=VALUE…`.
struct SetVariablesVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "env", abstract: "Give your new instances variables.",
        discussion: "  boathook set env HF_TOKEN=hf_xxx WANDB_MODE=offline")

    @Argument(help: ArgumentHelp("Names and values.", valueName: "name=value"))
    var variables: [String]

    @OptionGroup var options: ClientOptions

    func validate() throws { _ = try pairs() }

    func run() async throws { try await Self.set(try pairs(), options) }

    func pairs() throws -> [(String, String)] {
        try variables.map { text in
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw ValidationError("'\(text)' is not NAME=VALUE")
            }
            return (String(text[..<equals]), String(text[text.index(after: equals)...]))
        }
    }

    static func set(_ variables: [(String, String)], _ options: ClientOptions) async throws {
        let list = variables.map { name, value in
            JSONValue.object(["key": .string(name), "value": .string(value)])
        }
        let reply: PlainReply = try await options.client().post(
            APIPath.secrets, SecretsRequest(envVars: .array(list)))
        try StandardStreams.print(
            options.json
                ? try JSONText.of(reply) : "set \(variables.map(\.0).joined(separator: ", "))")
    }
}

/// `boathook delete env-var NAME`.
struct DeleteVariableVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "env-var", abstract: "Give your new instances a variable no more.",
        discussion: "  boathook delete env-var HF_TOKEN")

    @Argument(help: ArgumentHelp("Its name.", valueName: "name"))
    var name: String

    @OptionGroup var options: ClientOptions

    func run() async throws { try await Self.unset([name], options) }

    static func unset(_ names: [String], _ options: ClientOptions) async throws {
        let client = try options.client()
        for name in names {
            let reply: PlainReply
            do {
                reply = try await client.delete(APIPath.secrets, SecretsRequest(key: .string(name)))
            } catch let error as ClientError where error.status == 400 {
                // Upstream's status for one that is not there (contract 7.3).
                throw error.ending(with: 1, about: name)
            }
            try StandardStreams.print(options.json ? try JSONText.of(reply) : "unset \(name)")
        }
    }
}

/// `boathook unset …`.
struct UnsetVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset", abstract: "Take back what 'boathook set' kept.",
        subcommands: [UnsetVariablesVerb.self])
}

/// `boathook unset env NAME…`.
struct UnsetVariablesVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "env", abstract: "Give your new instances variables no more.",
        discussion: "  boathook unset env HF_TOKEN WANDB_MODE")

    @Argument(help: ArgumentHelp("Their names.", valueName: "name"))
    var names: [String]

    @OptionGroup var options: ClientOptions

    func run() async throws { try await DeleteVariableVerb.unset(names, options) }
}
