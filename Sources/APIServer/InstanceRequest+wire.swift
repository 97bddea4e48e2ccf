internal import AgentLink
internal import ControlPlane
internal import VastAPI

extension InstanceRequest {
    /// Reads the open fields of a create (contract 4).
    ///
    /// - Parameters:
    ///   - body: What was sent.
    ///   - template: What stands for whatever it leaves out.
    /// - Throws: `WireError` 400 that says which field is wrong, and how it would be right.
    init(_ body: CreateInstanceRequest, from template: Template?) throws {
        let body = template.map(body.filled) ?? body
        guard Self.isUnset(body.vm) || body.vm == .bool(false) else {
            throw Self.invalid("Boathook makes containers, no virtual machines.")
        }
        guard Self.isUnset(body.volumeInfo) else {
            throw Self.invalid(
                "Name a volume in env, as \"-v NAME:/PATH\"; volume_info is not read.")
        }
        guard Self.isUnset(body.price) else {
            throw WireError.badRequest("invalid_price", "Offers have one price here, and no bids.")
        }
        let image = Self.resolved(try Self.text(body.image, "image", upTo: 1024) ?? "")
        guard Self.isImage(image) else {
            throw Self.invalid("image is the name of an image, such as debian:12.")
        }
        let options: ContainerOptions
        do {
            options = try ContainerOptions(body.env).over(
                ContainerOptions(template?.content.env.map { .string($0) }))
        } catch {
            throw Self.invalid(error.message)
        }
        let runtype = try Self.text(body.runtype, "runtype", upTo: 256) ?? "ssh"
        let kinds = try Self.kinds(of: runtype)
        if body.useSSH == .bool(true), !Self.isUnset(body.runtype) {
            throw Self.invalid("runtype and use_ssh cannot both be set")
        }
        let login = try Self.login(body.imageLogin)
        // Whoever names another image has the template's password sent to whatever registry that is.
        let isOfTemplate = template.map { image == Self.resolved($0.content.taggedImage) } ?? false
        self.init(
            image: image, login: login ?? (isOfTemplate ? template?.content.login : nil),
            program: try Self.program(body, runsShell: kinds != ["args"]),
            environment: options.environment,
            user: try Self.user(body.user, runsShell: kinds != ["args"]),
            hostname: options.hostname,
            ports: options.ports.map {
                .init(number: $0.number, transport: $0.transport, hostPort: nil)
            },
            volumes: options.volumes.map { .init(name: $0.name, path: $0.path) },
            diskGB: try Self.disk(body.disk),
            label: try Self.text(body.label, "label", upTo: 256),
            state: try Self.state(body.targetState), runtype: runtype,
            hasSSH: kinds.contains { $0.hasPrefix("ssh") || $0.hasPrefix("jupyter") },
            origin: template?.origin)
    }

    /// What the container runs: a shell with the script, or the image's own program with arguments.
    static func program(_ body: CreateInstanceRequest, runsShell: Bool) throws
        -> ContainerSpecification.Program
    {
        let script = try text(body.onstart, "onstart", upTo: maximumScriptLength) ?? ""
        var arguments: [String]?
        switch body.args {
        case nil, .null?: break
        case .array(let words)?:
            arguments = words.compactMap(\.string)
            guard arguments?.count == words.count else { throw invalid("args is a list of texts.") }
        default: throw invalid("args is a list of texts.")
        }
        if let text = try text(body.argsText, "args_str", upTo: maximumScriptLength) {
            do {
                arguments = (arguments ?? []) + (try ContainerOptions.words(text))
            } catch {
                throw invalid("args_str: \(error.message)")
            }
        }
        guard runsShell else {
            // The command line sends its --entrypoint so; one that is a path or name with words behind it is split.
            do {
                let entrypoint = try ContainerOptions.words(script)
                return .image(
                    entrypoint: entrypoint.isEmpty ? nil : entrypoint, arguments: arguments)
            } catch {
                throw invalid("onstart: \(error.message)")
            }
        }
        guard arguments?.isEmpty != false else {
            throw invalid("args are for runtype args.")
        }
        return .shell(script: script)
    }

    /// Only the image's own program is run as somebody else: the shell's script, and whoever logs in, are root.
    private static func user(_ value: JSONValue?, runsShell: Bool) throws -> String? {
        guard !isUnset(value) else { return nil }
        guard let user = value?.string, ContainerSpecification.isUser(user) else {
            throw invalid("user is a name or a number, and :GROUP behind it or not.")
        }
        guard !runsShell else {
            throw invalid(
                "user is for runtype args; with any other, the container's shell is root's.")
        }
        return user
    }

    /// `-u USER -p PASSWORD REGISTRY`, as `docker login` takes it.
    static func login(_ value: JSONValue?) throws -> RegistryLogin? {
        guard let text = try text(value, "image_login", upTo: 4096), !text.isEmpty else {
            return nil
        }
        var login = RegistryLogin(user: "", password: "", registry: "")
        do {
            var words = try ContainerOptions.words(text)[...]
            while let word = words.popFirst() {
                switch word {
                case "-u", "--username": login.user = words.popFirst() ?? ""
                case "-p", "--password": login.password = words.popFirst() ?? ""
                default: login.registry = word
                }
            }
        } catch {
            throw invalid("image_login: \(error.message)")
        }
        guard !login.user.isEmpty, !login.password.isEmpty else {
            throw invalid("image_login is \"-u USER -p PASSWORD REGISTRY\".")
        }
        return login
    }

    private static func disk(_ value: JSONValue?) throws -> Double {
        guard let value, value != .null else { return Offer.leastDiskGB }
        guard let number = value.number, number.isFinite, number > 0, number <= 1e6 else {
            throw invalid(
                "disk is a number of GB, from \(Int(Offer.leastDiskGB)) to 1,000,000.")
        }
        return max(number, Offer.leastDiskGB)
    }

    private static func state(_ value: JSONValue?) throws -> InstanceOrder.State {
        switch value {
        case nil, .null?, .string("running")?: .running
        case .string("stopped")?: .stopped
        default: throw invalid("target_state is running or stopped.")
        }
    }

    static func text(_ value: JSONValue?, _ name: String, upTo limit: Int) throws -> String? {
        switch value {
        case nil, .null?: return nil
        case .string(let text)?:
            guard text.unicodeScalars.count <= limit, !text.utf8.contains(0) else {
                throw invalid("\(name) has at most \(limit) characters, and no NUL.")
            }
            return text
        default: throw invalid("\(name) is a text.")
        }
    }

    /// The tokens of a runtype.
    static func kinds(of runtype: String) throws -> [Substring] {
        let kinds = runtype.split(separator: " ")
        for kind in kinds where !Self.kinds.contains(String(kind)) {
            throw invalid("runtype \(kind) is none of \(Self.kinds.sorted()).")
        }
        return kinds
    }

    /// Never an id, `sha256:…`: it would name what others fetched.
    static func isImage(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            && !["sha256:", "sha384:", "sha512:"].contains { text.hasPrefix($0) }
    }

    /// The server is to choose the tag for the machine (contract 4); one's own images have none but the latest.
    static func resolved(_ image: String) -> String {
        image.hasSuffix(":\(automaticTag)")
            ? image.dropLast(automaticTag.count) + "latest" : image
    }

    /// Clients send what was not asked for as null, false or empty.
    static func isUnset(_ value: JSONValue?) -> Bool {
        [nil, .null, .string(""), .bool(false)].contains(value)
    }

    static func invalid(_ message: String) -> WireError {
        .badRequest("invalid_args", message)
    }

    /// Upstream names three limits, of which this is the widest (contract 4).
    static let maximumScriptLength = 16_384

    private static let automaticTag = "@vastai-automatic-tag"

    /// As clients really send them, with upstream's typing error, and as its documents have them.
    private static let kinds: Set<String> = [
        "ssh", "jupyter", "args", "ssh_proxy", "ssh_direc", "ssh_direct", "jupyter_proxy",
        "jupyter_direc", "jupyter_direct",
    ]
}
