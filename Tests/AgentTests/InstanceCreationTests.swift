import AgentLink
import ContainerEngine
import Testing

@testable import Agent

@Suite struct InstanceCreationTests {
    static func specification() -> ContainerSpecification {
        ContainerSpecification(
            image: "registry.example/team/app:1",
            login: RegistryLogin(user: "maria", password: "secret", registry: ""),
            program: .shell(script: "echo hello"),
            environment: [
                ["A", "x y"], ["CONTAINER_ID", "9"], ["NVIDIA_VISIBLE_DEVICES", "all"],
            ],
            hostname: "box",
            ports: [
                .init(number: 22, transport: "tcp", hostPort: nil),
                .init(number: 5000, transport: "udp", hostPort: nil),
            ], volumes: [.init(name: "data", path: "/data")], gpuCount: 1, diskGB: 16,
            owner: "maria", label: nil)
    }

    static func prepared(
        _ specification: ContainerSpecification
    ) throws -> InstanceCreation {
        try InstanceCreation(
            identity: InstanceIdentity(instanceID: 7, generation: 2), specification: specification,
            agentID: "00112233aabbccdd")
    }

    static func share(network: String = "bridge") -> InstanceCreation.Share {
        InstanceCreation.Share(
            network: network, ports: network == "bridge" ? [40_001, 40_002] : [],
            gpus: [
                MachineReport.GPU(
                    index: 3, uuid: "GPU-3", name: "", memoryMiB: 1, powerLimit: nil)
            ], publicAddress: "192.0.2.7", sharedMemoryByteCount: 1 << 30,
            limits: ContainerLimits(
                processCount: 4096, memoryByteCount: 8 << 30, cpuShares: 2048))
    }

    static func body(_ specification: ContainerSpecification) throws -> String {
        let creation = try prepared(specification).creation(name: "boathook-7-2", share: share())
        return String(decoding: try creation.body(), as: UTF8.self)
    }

    /// The whole body: what is not in it is not asked for.
    @Test func `a container is asked for with these words`() throws {
        var specification = Self.specification()
        specification.program = .image(arguments: ["serve", "--port=1"])
        #expect(
            try Self.body(specification) == """
                {"Cmd":["serve","--port=1"],\
                "Env":["A=x y","CONTAINER_ID=7","VAST_CONTAINERLABEL=C.7","PUBLIC_IPADDR=192.0.2.7",\
                "NVIDIA_VISIBLE_DEVICES=GPU-3","VAST_TCP_PORT_22=40001","VAST_UDP_PORT_5000=40002"],\
                "ExposedPorts":{"22/tcp":{},"5000/udp":{}},\
                "Healthcheck":{"Interval":31536000000000000,"Test":["NONE"]},\
                "HostConfig":{"CapDrop":["NET_RAW"],"CpuShares":2048,\
                "DeviceRequests":[{"Capabilities":[["gpu"]],"DeviceIDs":["GPU-3"],"Driver":"nvidia"}],\
                "LogConfig":{"Config":{"max-file":"3","max-size":"10m"},"Type":"json-file"},\
                "Memory":8589934592,"MemorySwap":8589934592,\
                "Mounts":[{"Source":"boathook-00112233aabbccdd-7-data","Target":"/data","Type":"volume"}],\
                "NetworkMode":"bridge","PidsLimit":4096,\
                "PortBindings":{"22/tcp":[{"HostPort":"40001"}],"5000/udp":[{"HostPort":"40002"}]},\
                "RestartPolicy":{"Name":"no"},"ShmSize":1073741824,"StorageOpt":{"size":"16000000000"}},\
                "Hostname":"box","Image":"registry.example/team/app:1",\
                "Labels":{"boathook.agent":"00112233aabbccdd","boathook.instance":"maria",\
                "boathook.instance.generation":"2","boathook.instance.gpus":"3",\
                "boathook.instance.id":"7","boathook.instance.ports":"40001,40002",\
                "boathook.instance.ssh":"","boathook.label":""}}
                """)
    }

    @Test func `a script is a word of its own behind a shell that stays`() throws {
        let creation = try Self.prepared(Self.specification()).creation(
            name: "x", share: Self.share())
        #expect(creation.entrypoint?.prefix(2) == ["/bin/sh", "-c"])
        #expect(creation.entrypoint?.suffix(2) == ["boathook", "echo hello"])
        #expect(creation.arguments == [])
    }

    @Test func `an image's own program keeps its own arguments`() throws {
        var specification = Self.specification()
        specification.program = .image(arguments: nil)
        let body = try Self.body(specification)
        #expect(!body.contains("Cmd") && !body.contains("Entrypoint"))
    }

    @Test func `another program of the image takes the place of its own`() throws {
        var specification = Self.specification()
        specification.program = .image(entrypoint: ["/bin/serve", "--all"], arguments: nil)
        let body = try Self.body(specification)
        #expect(body.contains(#""Entrypoint":["/bin/serve","--all"]"#))
        #expect(!body.contains("Cmd"))
    }

    @Test func `its program runs as whom it says, if that is a user`() throws {
        var specification = Self.specification()
        #expect(!(try Self.body(specification)).contains(#""User""#))
        specification.user = "nobody:adm"
        #expect(try Self.body(specification).contains(#""User":"nobody:adm""#))
        for user in ["", "a b", "-x", "a:", ":a", "a:b:c", "1a", "4294967296", "a\u{0}"] {
            specification.user = user
            #expect(throws: InstanceFailure.self) { try Self.prepared(specification) }
        }
    }

    @Test func `on the host's network a port is itself, and without one there is none`() throws {
        let prepared = try Self.prepared(Self.specification())
        let host = prepared.creation(name: "x", share: Self.share(network: "host"))
        #expect(host.environment.contains("VAST_TCP_PORT_22=22"))
        #expect(host.ports.isEmpty)
        let none = prepared.creation(name: "x", share: Self.share(network: "none"))
        #expect(!none.environment.contains { $0.hasPrefix("VAST_TCP") })
    }

    @Test func `beside SSH, port 22 is the machine's SSH server and not the container's`() throws {
        var specification = Self.specification()
        specification.hasSSH = true
        specification.ports.append(.init(number: 22, transport: "udp", hostPort: nil))
        let prepared = try Self.prepared(specification)
        #expect(
            prepared.specification.ports.map { "\($0.number)/\($0.transport)" }
                == ["5000/udp", "22/udp"])
        var share = Self.share()
        share.sshPort = 40_009
        let creation = prepared.creation(name: "x", share: share)
        #expect(creation.ports.map(\.port) == ["5000/udp", "22/udp"])
        #expect(
            creation.environment.filter { $0.hasPrefix("VAST_TCP_PORT_22=") }
                == ["VAST_TCP_PORT_22=40009"])
    }

    @Test func `without GPUs it sees none, whatever the image says`() throws {
        var share = Self.share()
        share.gpus = []
        let creation = try Self.prepared(Self.specification()).creation(name: "x", share: share)
        #expect(creation.environment.contains("NVIDIA_VISIBLE_DEVICES=void"))
        #expect(creation.gpus.isEmpty)
    }

    @Test(arguments: [
        ("", "registry.example"), ("https://registry.example", "https://registry.example"),
        ("docker.io", nil), ("registry.example.org", nil),
    ])
    func `a password goes to its registry alone`(registry: String, server: String?) throws {
        var specification = Self.specification()
        specification.login?.registry = registry
        #expect(try Self.prepared(specification).credentials?.server == server)
    }

    struct Flaw: Sendable {
        var word: String
        var change: @Sendable (inout ContainerSpecification) -> Void

        init(_ word: String, _ change: @escaping @Sendable (inout ContainerSpecification) -> Void) {
            self.word = word
            self.change = change
        }
    }

    @Test(
        arguments: [
            Flaw("image", { $0.image = "../containers/json?x=" }),
            Flaw("variable", { $0.environment = [["A=B", "1"]] }),
            Flaw("variable", { $0.environment = [["", "1"]] }),
            Flaw("variable", { $0.environment = [["A"]] }),
            Flaw("variable", { $0.environment = [["A", "\0"]] }),
            Flaw("port", { $0.ports = [.init(number: 0, transport: "tcp", hostPort: nil)] }),
            Flaw("port", { $0.ports = [.init(number: 1, transport: "sctp", hostPort: nil)] }),
            Flaw("twice", { $0.ports += $0.ports }),
            Flaw("volume", { $0.volumes = [.init(name: "/etc", path: "/data")] }),
            Flaw("volume", { $0.volumes = [.init(name: "a:b", path: "/data")] }),
            Flaw("volume", { $0.volumes = [.init(name: "..", path: "/data")] }),
            Flaw("volume", { $0.volumes = [.init(name: "a", path: "data")] }),
            Flaw("volume", { $0.volumes = [.init(name: "a", path: "/")] }),
            Flaw("volume", { $0.volumes = [.init(name: "a", path: "/x/../etc")] }),
            Flaw("volume", { $0.volumes += [.init(name: "b", path: "/data")] }),
            Flaw("host name", { $0.hostname = "-x" }), Flaw("host name", { $0.hostname = "a b" }),
            Flaw("command", { $0.program = .shell(script: "a\0b") }),
            Flaw(
                "command",
                { $0.program = .image(arguments: [String(repeating: "x", count: 200_000)]) }
            ), Flaw("size", { $0.diskGB = .infinity }), Flaw("size", { $0.diskGB = 0 }),
            Flaw("size", { $0.gpuCount = -1 }),
        ])
    func `what could reach further is refused for good`(
        flaw: Flaw
    ) {
        var specification = Self.specification()
        flaw.change(&specification)
        let failure = #expect(throws: InstanceFailure.self) { try Self.prepared(specification) }
        #expect(failure?.isFinal == true)
        #expect(failure?.description.contains(flaw.word) == true)
    }
}
