internal import ArgumentParser
internal import FoundationEssentials
internal import VastAPI

/// What an instance is made from; the flags are upstream's where it has them.
struct CreateOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The container image, such as debian:12.", valueName: "name"))
    var image: String?

    @Option(
        name: [.long, .customLong("template_hash"), .customLong("template-hash")],
        help: ArgumentHelp(
            "A template, which says what is not said here; 'boathook search templates' lists them.",
            valueName: "hash"))
    var template: String?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "How many GB it may fill (default: 10, or the template's).", valueName: "gb"))
    var disk: Double?

    @Option(
        help: ArgumentHelp("A script that runs at each start: a file.", valueName: "file"))
    var onstart: String?

    @Option(help: ArgumentHelp("The same, as text.", valueName: "text"))
    var onstartCmd: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "NAME=VALUE, again for each; or upstream's '-e NAME=VALUE -p 8080:8080 -h HOST -v NAME:/PATH'.",
            valueName: "text"))
    var env: [String] = []

    @Option(
        help: ArgumentHelp(
            "A port to be reached from outside, such as 8080 or 5000/udp; again for each.",
            valueName: "port"))
    var port: [String] = []

    @Option(
        help: ArgumentHelp(
            "A volume of the instance's own, as NAME:/PATH; again for each.", valueName: "volume"))
    var volume: [String] = []

    @Option(help: ArgumentHelp("Its host name.", valueName: "name"))
    var hostname: String?

    @Option(help: ArgumentHelp("What you call it.", valueName: "text"))
    var label: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "'-u USER -p PASSWORD REGISTRY', for an image that wants it.", valueName: "text"))
    var login: String?

    @Flag(help: "With a way in by SSH (the default).")
    var ssh = false

    @Flag(help: "As upstream's: machines of one's own are always reached directly.")
    var direct = false

    @Option(
        help: ArgumentHelp(
            "With --args: this program instead of the image's.", valueName: "program"))
    var entrypoint: String?

    @Flag(help: "Only make it; 'boathook start instance ID' starts it.")
    var stopped = false

    @Flag(help: "Fail with another status (410) when the offer cannot be had.")
    var cancelUnavail = false

    @Option(
        parsing: .remaining,
        help: ArgumentHelp(
            "The image's own program runs, with these arguments; the last flag of the line.",
            valueName: "word"))
    var args: [String] = []

    func validate() throws {
        guard onstart == nil || onstartCmd == nil else {
            throw ValidationError("--onstart and --onstart-cmd are two ways to give one script")
        }
        guard entrypoint == nil || (onstart == nil && onstartCmd == nil && !args.isEmpty) else {
            throw ValidationError("--entrypoint goes with --args")
        }
        guard image != nil || template != nil else {
            throw ValidationError("say what it is made from: --image NAME, or --template HASH")
        }
        if let disk, !(disk > 0 && disk.isFinite) {
            throw ValidationError("--disk is a number of GB")
        }
        _ = try environment()
    }

    /// How much is asked for; nil for what the template says.
    var diskGB: Double? { disk ?? (template == nil ? 10 : nil) }

    /// The body of a create (contract 4).
    ///
    /// What a template is to say is not in it.
    func body() throws -> [String: JSONValue] {
        var body: [String: JSONValue] = [
            "client_id": .string("me"),
            "env": .object(try environment()),
            "cancel_unavail": .bool(cancelUnavail),
        ]
        body["image"] = image.map { .string($0) }
        body["disk"] = diskGB.map { .double($0) }
        body["template_hash_id"] = template.map { .string($0) }
        if template == nil || ssh || !args.isEmpty { body["runtype"] = .string(runtype) }
        body["label"] = label.map { .string($0) }
        body["image_login"] = login.map { .string($0) }
        body["onstart"] = try (script ?? entrypoint).map { .string($0) }
        if !args.isEmpty { body["args"] = .array(args.map { .string($0) }) }
        if stopped { body["target_state"] = .string("stopped") }
        return body
    }

    /// Upstream's words, with its typing error (contract 4).
    private var runtype: String {
        if !args.isEmpty { return "args" }
        return ssh ? (direct ? "ssh_direc ssh_proxy" : "ssh_proxy") : "ssh"
    }

    private var script: String? {
        get throws {
            guard let onstart else { return onstartCmd }
            guard let data = FileManager.default.contents(atPath: onstart),
                let text = String(validating: data, as: UTF8.self)
            else { throw ClientError("\(onstart): not a text file that can be read", exitCode: 1) }
            return text
        }
    }

    /// All that becomes `env`: read as the server reads it, so that it is refused here in the same words.
    private func environment() throws -> [String: JSONValue] {
        var pairs: [(name: String, value: String)] = []
        do {
            for text in env {
                pairs += text.hasPrefix("-") ? try Self.options(text) : [try Self.variable(text)]
            }
            pairs += port.map { ($0.contains(":") ? "-p \($0)" : "-p \(Self.same($0))", "1") }
            pairs += volume.map { ("-v \($0)", "1") }
            if let hostname { pairs.append(("-h", hostname)) }
            let read = pairs.map { name, value in
                name == "-h" ? ("-h \(value)", "1") : (name, value)
            }
            _ = try ContainerOptions(
                .object(Dictionary(read.map { ($0.0, .string($0.1)) }) { $1 }))
        } catch let error as ContainerOptions.Unusable {
            throw ValidationError(error.message)
        }
        return Dictionary(pairs.map { ($0.name, .string($0.value)) }) { $1 }
    }

    private static func variable(_ text: String) throws -> (name: String, value: String) {
        guard let equals = text.firstIndex(of: "=") else {
            throw ValidationError("--env \(text): NAME=VALUE is expected")
        }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }

    /// Upstream's spelling.
    private static func options(_ text: String) throws -> [(name: String, value: String)] {
        let options = try ContainerOptions(.string(text))
        var pairs = options.environment.map { (name: $0[0], value: $0[1]) }
        pairs += options.ports.map { ("-p \($0.number):\($0.number)/\($0.transport)", "1") }
        pairs += options.volumes.map { ("-v \($0.name):\($0.path)", "1") }
        if let hostname = options.hostname { pairs.append(("-h", hostname)) }
        return pairs
    }

    /// `8080/udp` is `8080:8080/udp`.
    private static func same(_ port: String) -> String {
        let number = port.prefix { $0 != "/" }
        return "\(number):\(port)"
    }
}
