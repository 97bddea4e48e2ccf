internal import AgentLink
internal import ControlPlane
internal import VastAPI

extension UpdateInstanceRequest {
    /// Whether it has no field that says what the instance is to be made from.
    var saysNothing: Bool {
        said.isEmpty
    }

    /// The names of the fields that say so.
    fileprivate var said: [String] {
        [
            ("args", args), ("env", env), ("image", image), ("image_login", imageLogin),
            ("onstart", onstart),
        ].filter { Self.isSaid($0.1) }.map(\.0)
    }

    fileprivate static func isSaid(_ value: JSONValue?) -> Bool {
        ![nil, .null, .string("")].contains(value)
    }
}

extension InstanceUpdate {
    /// Reads what is to be different.
    ///
    /// With a template it is as if the instance were made from that; without, what is not said stays. Both leave it its
    /// disk, its GPUs, and the ports, volumes and host name that it has.
    ///
    /// - Parameters:
    ///   - body: What was sent.
    ///   - template: The one that it names.
    /// - Throws: `WireError` 400 that says which field is wrong, and how it would be right.
    init(_ body: UpdateInstanceRequest, from template: Template?) throws {
        guard [nil, .null, .bool(true)].contains(body.recycle) else {
            throw InstanceRequest.invalid(
                "An update gives the instance its new container at once: leave recycle out.")
        }
        if let template {
            try self.init(body, fromAllOf: template)
        } else {
            try self.init(body)
        }
        if !body.saysNothing { auditArguments["changes"] = body.said.joined(separator: " ") }
        let change = self.change
        let disk = body.disk
        self.change = { made in
            guard !UpdateInstanceRequest.isSaid(disk) || disk?.number == made.diskGB else {
                throw InstanceRequest.invalid(
                    "An instance keeps the disk that it was made with: leave disk out.")
            }
            let next = try change(made)
            guard next.ports.count <= ContainerOptions.maximumPortCount,
                next.volumes.count <= ContainerOptions.maximumVolumeCount
            else {
                throw InstanceRequest.invalid(
                    "With those that it has, an instance has at most \(ContainerOptions.maximumPortCount) ports and \(ContainerOptions.maximumVolumeCount) volumes."
                )
            }
            return next
        }
    }

    private init(_ body: UpdateInstanceRequest, fromAllOf template: Template) throws {
        let request = try InstanceRequest(body.creation, from: template)
        self.init(
            runtype: request.runtype, origin: template.origin,
            auditArguments: [
                "image": request.image, "runtype": request.runtype,
                "template_hash_id": template.hashID,
            ]
        ) { made in
            var next = made
            next.image = request.image
            next.login = request.login ?? made.login(for: request.image)
            next.program = request.program
            next.environment = request.environment
            next.user = request.user
            next.hasSSH = request.hasSSH
            next.hostname = request.hostname ?? made.hostname
            next.add(request.ports, request.volumes)
            return next
        }
    }

    private init(_ body: UpdateInstanceRequest) throws {
        let creation = body.creation
        var image: String?
        if UpdateInstanceRequest.isSaid(body.image) {
            image = InstanceRequest.resolved(
                try InstanceRequest.text(body.image, "image", upTo: 1024) ?? "")
            guard image.map(InstanceRequest.isImage) == true else {
                throw InstanceRequest.invalid("image is the name of an image, such as debian:12.")
            }
        }
        let login = try InstanceRequest.login(body.imageLogin)
        var options: ContainerOptions?
        do {
            options =
                UpdateInstanceRequest.isSaid(body.env) ? try ContainerOptions(body.env) : nil
        } catch {
            throw InstanceRequest.invalid(error.message)
        }
        self.init(auditArguments: image.map { ["image": $0] } ?? [:]) { [image, options] made in
            var next = made
            next.image = image ?? made.image
            next.login = login ?? made.login(for: next.image)
            next.program = try made.program.changed(by: creation)
            if let options {
                next.environment = options.environment
                next.hostname = options.hostname ?? made.hostname
                next.add(
                    options.ports.map {
                        .init(number: $0.number, transport: $0.transport, hostPort: nil)
                    }, options.volumes.map { .init(name: $0.name, path: $0.path) })
            }
            return next
        }
    }
}

extension ContainerSpecification {
    /// Those that are there stay in front, and so keep the machine's ports that they have; of two volumes at one path the
    /// new one is mounted.
    fileprivate mutating func add(_ ports: [Port], _ volumes: [Volume]) {
        self.ports += ports.filter { port in
            !self.ports.contains { $0.number == port.number && $0.transport == port.transport }
        }
        let paths = Set(volumes.map(\.path))
        self.volumes = self.volumes.filter { !paths.contains($0.path) } + volumes
    }

    /// The login that it has, for an image of the same repository alone: whoever names another one has the password sent
    /// to whatever registry that is.
    fileprivate func login(for image: String) -> RegistryLogin? {
        Self.repository(image) == Self.repository(self.image) ? login : nil
    }

    /// The name of an image without its tag and its digest.
    private static func repository(_ image: String) -> Substring {
        let name = image.prefix { $0 != "@" }
        let last = name.lastIndex(of: "/") ?? name.startIndex
        return name[..<(name[last...].firstIndex(of: ":") ?? name.endIndex)]
    }
}

extension ContainerSpecification.Program {
    /// The same kind of program; what is not said of it stays.
    fileprivate func changed(by body: CreateInstanceRequest) throws -> Self {
        switch self {
        case .shell(let script):
            guard case .shell(let said) = try InstanceRequest.program(body, runsShell: true) else {
                return self
            }
            return .shell(script: UpdateInstanceRequest.isSaid(body.onstart) ? said : script)
        case .image(let entrypoint, let arguments):
            guard
                case .image(let said, let words) = try InstanceRequest.program(
                    body, runsShell: false)
            else { return self }
            return .image(entrypoint: said ?? entrypoint, arguments: words ?? arguments)
        }
    }
}
