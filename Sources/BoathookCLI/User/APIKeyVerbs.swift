internal import ArgumentParser
internal import FoundationEssentials
internal import VastAPI

/// `boathook create api-key`.
struct CreateAPIKeyVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "api-key",
        abstract: "Make another key of your account, with permissions of its own.",
        discussion: """
            The file has JSON: upstream's permissions in 'api', and beside it what Boathook bounds, such as commands and \
            paths. The key's id and the key are printed; it is shown nowhere else, and grants no more than yours.

              echo '{"api": {"instance_read": {}}, "paths": ["/workspace"], "writes": false}' > reads.json
              boathook create api-key --name agent --permission_file reads.json
            """)

    @Option(help: ArgumentHelp("What you call it.", valueName: "text"))
    var name: String

    @Option(
        name: [.customLong("permission_file"), .customLong("permission-file")],
        help: ArgumentHelp("What it may do: a file with JSON.", valueName: "file"))
    var permissionFile: String

    @Option(
        name: [.customLong("key_params"), .customLong("key-params")],
        help: ArgumentHelp("The numbers of the file's wildcards, as JSON.", valueName: "json"))
    var parameters: String?

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let request = CreateKeyRequest(
            name: .string(name), permissions: try permissions(),
            keyParams: parameters.map { .string($0) })
        let reply: CreateKeyReply = try await options.client().post(APIPath.apiKeys, request)
        try StandardStreams.print(
            options.json ? try JSONText.of(reply) : "api-key \(reply.id) \(reply.key)")
    }

    func permissions() throws -> JSONValue {
        guard let data = FileManager.default.contents(atPath: permissionFile) else {
            throw ClientError("\(permissionFile): there is no such file", exitCode: 64)
        }
        // Of a name that stands there twice, one would be left out unseen.
        guard StrictJSON.isUnambiguous(data),
            let value = try? JSONDecoder().decode(JSONValue.self, from: data)
        else { throw ClientError("\(permissionFile): this is not JSON", exitCode: 64) }
        return value
    }
}

/// `boathook show api-keys`.
struct ShowAPIKeysVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "api-keys", abstract: "List your account's keys, without the keys.",
        discussion: "  boathook show api-keys")

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: KeyListReply = try await options.client().get(APIPath.apiKeys)
        if options.json {
            try StandardStreams.print(try JSONText.of(reply.apikeys))
            return
        }
        var table = Table(head: ["ID", "NAME", "UNTIL", "MAY"], spares: ["UNTIL"])
        for row in reply.apikeys {
            table.add(["\(row.id)", row.name, row.end, try row.reach])
        }
        try table.write()
    }
}

/// `boathook show api-key ID`.
struct ShowAPIKeyVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "api-key", abstract: "Show one of your account's keys, without the key.",
        discussion: "  boathook show api-key 12")

    @Argument(help: ArgumentHelp("The key's id.", valueName: "id"))
    var id: Int64

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let row: KeyRow = try await VerbFailure.naming {
            try await options.client().get(APIPath.apiKey(id))
        }
        if options.json {
            try StandardStreams.print(try JSONText.of(row))
            return
        }
        var sheet = Sheet()
        sheet.add("id", "\(row.id)")
        sheet.add("name", row.name)
        sheet.add("until", row.end)
        sheet.add("may", try row.reach)
        try sheet.write()
    }
}

/// `boathook delete api-key ID`.
struct DeleteAPIKeyVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "api-key", abstract: "Make one of your account's keys useless, at once.",
        discussion: "  boathook delete api-key 12")

    @Argument(help: ArgumentHelp("The key's id.", valueName: "id"))
    var id: Int64

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: String = try await VerbFailure.naming {
            try await options.client().delete(APIPath.apiKey(id))
        }
        try StandardStreams.print(options.json ? try JSONText.of(reply) : "deleted api-key \(id)")
    }
}

/// `boathook reset …`.
struct ResetVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset", abstract: "Get another key in the place of yours.",
        subcommands: [ResetAPIKeyVerb.self])
}

/// `boathook reset api-key`.
struct ResetAPIKeyVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "api-key", abstract: "Get another key in the place of yours.",
        discussion: """
            The key that is used is unknown from then on, whoever else has it. The new one is printed, and, if the old one \
            was neither in an option nor in a variable, kept as 'boathook set api-key' does.

              boathook reset api-key
            """)

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: ResetKeyReply = try await options.client().put(
            APIPath.keyReset, [String: JSONValue]())
        // First of all: it is shown nowhere else.
        try StandardStreams.print(
            options.json ? try JSONText.of(reply) : "api-key \(reply.newAPIKey)")
        guard options.givenKey == nil else { return }
        let path = try KeptKey.keep(reply.newAPIKey, ProcessInfo.processInfo.environment)
        if !options.json { try StandardStreams.print("kept in \(path)") }
    }
}

extension KeyRow {
    fileprivate var end: String { expiresAt.map(MomentText.of) ?? "-" }

    /// What it may do; nothing that is said bounds it is everything.
    fileprivate var reach: String {
        get throws {
            permissions.object?.isEmpty == false ? try JSONText.line(of: permissions) : "everything"
        }
    }
}
