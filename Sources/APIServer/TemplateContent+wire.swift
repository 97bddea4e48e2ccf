internal import ControlPlane
internal import NIOCore
internal import VastAPI

extension TemplateContent {
    /// Reads the open fields of a template (contract 10).
    ///
    /// What could never become an instance is refused here.
    ///
    /// - Throws: `WireError` 400 that says which field is wrong, and how it would be right.
    init(_ body: TemplateRequest) throws {
        typealias Field = InstanceRequest
        let image = try Field.text(body.image, "image", upTo: 1024) ?? ""
        guard Field.isImage(image) else {
            throw Field.invalid("image is the name of an image, such as debian.")
        }
        let name = try Field.text(body.name, "name", upTo: 256) ?? ""
        self.init(name: name.isEmpty ? image : name, image: image)
        tag = try Self.tag(body.tag, of: image)
        href = try Self.optional(body.href, "href", upTo: 1024)
        repo = try Self.optional(body.repo, "repo", upTo: 1024)
        env = try Self.options(body.env)
        onstart = try Self.optional(body.onstart, "onstart", upTo: Field.maximumScriptLength)
        runtype = try Self.optional(body.runtype, "runtype", upTo: 256)
        if let runtype { _ = try Field.kinds(of: runtype) }
        hasDirectJupyter = try Self.flag(body.jupDirect, "jup_direct") ?? false
        hasDirectSSH = try Self.flag(body.sshDirect, "ssh_direct") ?? false
        usesJupyterLab = try Self.flag(body.useJupyterLab, "use_jupyter_lab") ?? false
        usesSSH = try Self.flag(body.useSSH, "use_ssh") ?? false
        jupyterFolder = try Self.optional(body.jupyterDir, "jupyter_dir", upTo: 1024)
        loginRepository = try Self.optional(body.dockerLoginRepo, "docker_login_repo", upTo: 1024)
        login = try Field.login(body.imageLogin)
        extraFilters = try Self.filters(body.extraFilters)
        recommendedDiskGB = try Self.disk(body.recommendedDiskSpace)
        readme = try Self.optional(body.readme, "readme", upTo: 32_768)
        isReadmeVisible = try Self.flag(body.readmeVisible, "readme_visible") ?? true
        text = try Self.optional(body.desc, "desc", upTo: 2048)
    }

    /// Whether it is to be its maker's alone, which it is unless that is denied.
    ///
    /// - Throws: `WireError` 400.
    func isPrivate(_ body: TemplateRequest) throws -> Bool {
        let isPrivate = try Self.flag(body.isPrivate, "private") ?? true
        guard isPrivate || login == nil else {
            throw InstanceRequest.invalid(
                "A template with image_login is private: others would log in with it.")
        }
        return isPrivate
    }

    private static func optional(_ value: JSONValue?, _ name: String, upTo limit: Int) throws
        -> String?
    {
        let text = try InstanceRequest.text(value, name, upTo: limit)
        return text?.isEmpty == false ? text : nil
    }

    private static func flag(_ value: JSONValue?, _ name: String) throws -> Bool? {
        switch value {
        case nil, .null?: nil
        case .bool(let flag)?: flag
        default: throw InstanceRequest.invalid("\(name) is true or false.")
        }
    }

    /// A tag stands behind a name that has none.
    private static func tag(_ value: JSONValue?, of image: String) throws -> String? {
        guard let tag = try optional(value, "tag", upTo: 128) else { return nil }
        guard InstanceRequest.isImage(tag), !tag.contains(where: { ":/".contains($0) }) else {
            throw InstanceRequest.invalid("tag is that of an image, such as 12.")
        }
        let last = image.split(separator: "/").last ?? ""
        guard !last.contains(where: { ":@".contains($0) }) else {
            throw InstanceRequest.invalid("image has a tag or digest already; leave tag out.")
        }
        return tag
    }

    private static func options(_ value: JSONValue?) throws -> String? {
        let text: String?
        switch value {
        case nil, .null?: text = nil
        case .string(let options)?: text = options.isEmpty ? nil : options
        default:
            throw InstanceRequest.invalid(
                "env of a template is a text of options, such as \"-e NAME=VALUE -p 8080:8080\".")
        }
        guard let text else { return nil }
        // Of the text itself: an option may be short, and its spelling long.
        guard text.utf8.count <= ContainerOptions.maximumByteCount else {
            throw InstanceRequest.invalid(
                "env has more than \(ContainerOptions.maximumByteCount) bytes.")
        }
        do {
            _ = try ContainerOptions(.string(text))
        } catch {
            throw InstanceRequest.invalid(error.message)
        }
        return text
    }

    /// A search for offers, whose columns are looked at when it is made.
    private static func filters(_ value: JSONValue?) throws -> String? {
        switch value {
        case nil, .null?: return nil
        case .object(let filters)?:
            guard !filters.isEmpty else { return nil }
            _ = try OfferQuery(filters).found(in: [])
            for conditions in filters.values {
                for (operation, operand) in conditions.object ?? [:] {
                    _ = try RowCondition.holds(.null, operation, operand)
                }
            }
            let text = String(buffer: try WireJSON.encode(filters))
            guard text.utf8.count <= 16_384 else {
                throw InstanceRequest.invalid("extra_filters has more than 16384 bytes.")
            }
            return text
        default: throw InstanceRequest.invalid("extra_filters is a search, an object.")
        }
    }

    /// 0 is what somebody says who wants to say nothing.
    private static func disk(_ value: JSONValue?) throws -> Double? {
        guard let value, value != .null else { return nil }
        guard let number = value.number, (0...1e6).contains(number) else {
            throw InstanceRequest.invalid("recommended_disk_space is a number of GB.")
        }
        return number == 0 ? nil : number
    }
}
