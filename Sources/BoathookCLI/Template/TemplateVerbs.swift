internal import ArgumentParser
internal import FoundationEssentials
internal import VastAPI

/// `boathook search templates [FILTER…]`.
struct SearchTemplatesVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "templates",
        abstract: "List what instances can be made from: your own, and what others let you see.",
        discussion: """
              boathook search templates
              boathook search templates 'name=trainer private=true'

            Columns are upstream's, among them: id, hash_id, name, image, tag, private, creator_id, recommended_disk_space, \
            use_ssh, count_created. The hash is what 'boathook create instance --template' takes.
            """)

    @Argument(help: ArgumentHelp("What they must be like.", valueName: "filter"))
    var filter: [String] = []

    @OptionGroup var options: ClientOptions

    func validate() throws { _ = try path() }

    func run() async throws {
        let reply: TemplatesReply = try await options.client().get(try path())
        if options.json {
            try StandardStreams.print(try JSONText.of(reply.templates))
            return
        }
        var table = Table(
            head: ["ID", "HASH", "NAME", "IMAGE", "DISK GB", "USES", "PRIVATE"],
            spares: ["USES", "PRIVATE", "DISK GB", "HASH"])
        for row in reply.templates {
            let tag = row["tag"]?.string.map { ":\($0)" } ?? ""
            table.add([
                row.text("id"), row.text("hash_id"), row.text("name"), row.text("image") + tag,
                row.rounded("recommended_disk_space"), row.text("count_created"),
                row.text("private"),
            ])
        }
        try table.write()
    }

    func path() throws -> String {
        let query = try OfferFilter(filter.joined(separator: " "), hasDefaults: false).query
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return APIPath.templates + "?select_filters="
            + Self.encoded(String(decoding: try encoder.encode(query), as: UTF8.self))
    }

    /// All but the unreserved characters (RFC 3986, section 2.3) as their bytes.
    private static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { encoded, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default: encoded += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}

/// `boathook create template`.
struct CreateTemplateVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "template", abstract: "Keep what instances are to be made from.",
        discussion: """
            Its id and its hash are printed. It is yours alone unless it is --public: then everybody sees all of it.

              boathook create template --name trainer --image debian:12 --env '-e MODE=fast -p 8080:8080' --disk 20
            """)

    @Option(help: ArgumentHelp("What you call it (default: the image).", valueName: "text"))
    var name: String?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The container image, such as debian:12.", valueName: "name"))
    var image: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "'-e NAME=VALUE -p 8080:8080 -h HOST -v NAME:/PATH'.", valueName: "text"))
    var env: String?

    @Option(help: ArgumentHelp("A script that runs at each start, as text.", valueName: "text"))
    var onstartCmd: String?

    @Option(
        name: [.customShort("d"), .long, .customLong("disk_space")],
        help: ArgumentHelp(
            "How many GB an instance may fill that does not say it.", valueName: "gb"))
    var disk: Double?

    @Option(
        help: ArgumentHelp(
            "ssh, or args for the image's own program (default: ssh).", valueName: "words"))
    var runtype = "ssh"

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "'-u USER -p PASSWORD REGISTRY', for an image that wants it.", valueName: "text"))
    var login: String?

    @Option(help: ArgumentHelp("What it is for.", valueName: "text"))
    var desc: String?

    @Flag(help: "Everybody on this server sees it and may use it.")
    var `public` = false

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard disk.map({ $0 > 0 && $0.isFinite }) ?? true else {
            throw ValidationError("--disk is a number of GB")
        }
        guard !`public` || login == nil else {
            throw ValidationError("--login is for yourself: leave --public out")
        }
        do {
            _ = try ContainerOptions(env.map { .string($0) })
        } catch {
            throw ValidationError(error.message)
        }
    }

    func run() async throws {
        let reply: TemplateReply = try await options.client().post(APIPath.templates, body())
        try StandardStreams.print(
            options.json
                ? try JSONText.of(reply) : "template \(reply.template.id) \(reply.template.hashID)")
    }

    func body() -> [String: JSONValue] {
        var body: [String: JSONValue] = [
            "image": .string(image), "runtype": .string(runtype), "private": .bool(!`public`),
        ]
        body["name"] = name.map { .string($0) }
        body["env"] = env.map { .string($0) }
        body["onstart"] = onstartCmd.map { .string($0) }
        body["recommended_disk_space"] = disk.map { .double($0) }
        body["image_login"] = login.map { .string($0) }
        body["desc"] = desc.map { .string($0) }
        return body
    }
}

/// `boathook delete template ID|HASH`.
struct DeleteTemplateVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "template",
        abstract: "Remove a template; instances that were made from it stay.",
        discussion: """
              boathook delete template 4
              boathook delete template 661d064bbda1f2a133816b6d55da07c3
            """)

    @Argument(help: ArgumentHelp("Its id, or its hash.", valueName: "id|hash"))
    var which: String

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: PlainReply = try await VerbFailure.naming {
            try await options.client().delete(APIPath.templates, body())
        }
        try StandardStreams.print(options.json ? try JSONText.of(reply) : reply.msg ?? "")
    }

    /// A hash has 32 digits, and an id fewer.
    func body() -> [String: JSONValue] {
        guard which.utf8.count < 20, let id = Int64(which) else {
            return ["hash_id": .string(which)]
        }
        return ["template_id": .int(id)]
    }
}
