import AgentLink
import Testing

/// What a machine says of itself is not trusted.
@Suite struct MachineReportTests {
    static let honest = MachineReport(
        hostname: "m", bootID: "b", engine: "Docker 28", architecture: "amd64", cpuName: "EPYC",
        cpuCores: 64, cpuGHz: 3.7, memoryMB: 256_000, diskGB: 4000, diskFreeGB: 1200,
        gpus: [
            .init(
                index: 0, uuid: "GPU-1", name: "NVIDIA A100", memoryMiB: 81_920, powerLimit: 400)
        ],
        driverVersion: "535.86.05", cudaVersion: "12.2", slots: 8, publicAddress: "192.0.2.1",
        price: 0.4, location: "Oslo, NO")

    @Test func `a machine as it may be`() {
        #expect(Self.honest.problem == nil)
    }

    struct Lie: Sendable {
        let name: String
        let tell: @Sendable (inout MachineReport) -> Void

        init(_ name: String, _ tell: @escaping @Sendable (inout MachineReport) -> Void) {
            self.name = name
            self.tell = tell
        }
    }

    static let lies = [
        Lie("slots") { $0.slots = .min },
        Lie("slots") { $0.slots = .max },
        Lie("cpu_cores") { $0.cpuCores = -1 },
        Lie("price") { $0.price = 1e308 },
        Lie("price") { $0.price = -.infinity },
        Lie("memory_mb") { $0.memoryMB = .nan },
        Lie("cuda_version") { $0.cudaVersion = "1e999" },
        Lie("disk_free_gb") { $0.diskFreeGB = -1 },
        Lie("a text") { $0.driverVersion = String(repeating: "9", count: 1000) },
        Lie("index") { $0.gpus[0].index = -7 },
        Lie("memory_mib") { $0.gpus[0].memoryMiB = 1e300 },
        Lie("gpus") { $0.gpus = Array(repeating: $0.gpus[0], count: 5000) },
    ]

    @Test(arguments: lies)
    func `what nobody can reckon with`(lie: Lie) {
        var report = Self.honest
        lie.tell(&report)
        #expect(report.problem?.hasPrefix(lie.name) == true)
    }
}
