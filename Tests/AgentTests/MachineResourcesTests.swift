import AgentLink
import ContainerEngine
import Testing

@testable import Agent

@Suite struct MachineResourcesTests {
    static func container(
        _ id: String, _ status: String, gpus: String = "", ports: String = "", ssh: String = ""
    ) -> Container {
        Container(
            id: id, name: id, image: "",
            labels: [
                "boathook.instance.gpus": gpus, "boathook.instance.ports": ports,
                "boathook.instance.ssh": ssh,
            ], environment: [], status: status, processID: 0, failure: "", createdAt: 0,
            startedAt: nil, storage: .unsupported(driver: ""), mounts: [])
    }

    static let gpus = (0..<4).map {
        MachineReport.GPU(index: $0, uuid: "GPU-\($0)", name: "x", memoryMiB: 1, powerLimit: nil)
    }

    static func indexes(_ count: Int, beside containers: [Container]) throws -> [Int] {
        try MachineResources(of: containers).gpus(count, of: gpus).map(\.index)
    }

    @Test func `GPUs that run are taken, and those that stopped ones will want come last`() throws {
        let containers = [
            Self.container("a", "running", gpus: "0"), Self.container("b", "exited", gpus: "1"),
            Self.container("c", "created", gpus: "2"),
        ]
        #expect(try Self.indexes(1, beside: containers) == [3])
        #expect(try Self.indexes(2, beside: containers) == [1, 3])
        #expect(try Self.indexes(3, beside: containers) == [1, 2, 3])
        #expect(try Self.indexes(0, beside: containers) == [])
        let failure = #expect(throws: InstanceFailure.self) {
            try Self.indexes(4, beside: containers)
        }
        #expect(failure?.description == "4 GPUs are needed, and 3 are free")
        #expect(failure?.isFinal == false)
    }

    @Test func `a container is no rival of its own`() {
        let containers = [
            Self.container("a", "running", gpus: "0,1"), Self.container("b", "paused", gpus: "2"),
        ]
        #expect(MachineResources(of: containers, except: ["a"]).usedGPUs == [2])
    }

    static let containers = [
        container("a", "running", ports: "40000,40001"), container("b", "exited", ssh: "40002"),
    ]

    @Test func `what is being made has its share already`() throws {
        let inMaking = SharesInMaking()
        var share = InstanceCreation.Share(
            network: "boathook", ports: [40_003], sshPort: 40_004, publicAddress: "",
            sharedMemoryByteCount: 1)
        share.gpus = [Self.gpus[0]]
        let claim = inMaking.claim(share)
        var resources = MachineResources(of: Self.containers)
        resources.add(inMaking.all)
        #expect(try resources.gpus(1, of: Self.gpus).map(\.index) == [1])
        #expect(
            try resources.ports([nil], in: 40_000...40_009, isFree: { _ in true }) == [40_005])
        inMaking.giveUp(claim)
        #expect(inMaking.all.isEmpty)
    }

    @Test func `ports of stopped containers are theirs, and a port is given once`() throws {
        let resources = MachineResources(of: Self.containers)
        let chosen = try resources.ports(
            [nil, 40_004, nil], in: 40_000...40_009, isFree: { $0 != 40_003 })
        #expect(chosen == [40_005, 40_004, 40_006])
    }

    @Test func `those that are replaced say which ports there were, and keep nobody from them`()
        throws
    {
        let replaced = [
            Self.container("a", "running", gpus: "0", ports: "40005,40003", ssh: "40007")
        ]
        let all = replaced + [Self.container("b", "running", gpus: "1", ports: "40000")]
        let former = FormerPorts(of: replaced)
        #expect(former.ssh == 40_007 && former.others == [40_005, 40_003])
        let resources = MachineResources(of: all, except: ["a"])
        #expect(resources.ports == [40_000] && resources.usedGPUs == [1])
        let chosen = try resources.ports(
            [nil, nil], preferred: former.others, in: 40_000...40_009, isFree: { _ in true })
        #expect(chosen == [40_005, 40_003])
        #expect(FormerPorts(of: []).ssh == nil && FormerPorts(of: []).others.isEmpty)
    }

    @Test func `what it had before it has again if it can`() throws {
        let resources = MachineResources(of: Self.containers)
        let chosen = try resources.ports(
            [nil, nil, nil], preferred: [40_007, 40_001, 22], in: 40_000...40_009,
            isFree: { _ in true })
        #expect(chosen == [40_007, 40_003, 40_004])
    }

    @Test(arguments: [
        (22, "port 22 is not one of the machine's for instances, 40000 to 40009", true),
        (40_001, "the machine's port 40001 is in use", false),
        (40_008, "the machine's port 40008 is in use", false),
    ])
    func `a port that is wished for must be the machine's, and free`(
        port: Int, message: String, isFinal: Bool
    ) {
        let resources = MachineResources(of: Self.containers)
        let failure = #expect(throws: InstanceFailure.self) {
            try resources.ports([port], in: 40_000...40_009, isFree: { $0 != 40_008 })
        }
        #expect(failure?.description == message)
        #expect(failure?.isFinal == isFinal)
    }

    @Test func `a range can be used up, and one port is not wished for twice`() {
        let resources = MachineResources(of: Self.containers)
        for wanted in [[nil, nil], [40_003, 40_003]] as [[Int?]] {
            #expect(throws: InstanceFailure.self) {
                try resources.ports(wanted, in: 40_000...40_003, isFree: { _ in true })
            }
        }
    }
}
