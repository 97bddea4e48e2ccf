import Testing

@testable import AgentLink

@Suite struct InstanceShareTests {
    static func share(
        gpuCount: Int = 0, of gpus: Int = 0, slots: Int = 16, cores: Int = 2, mebibytes: Int64
    ) -> InstanceShare {
        InstanceShare(
            gpuCount: gpuCount, of: gpus, slots: slots, cpuCores: cores,
            memoryMB: Double(mebibytes << 20) / 1e6)
    }

    /// In MiB, the reserve among it: a sixteenth, 256 MiB and 4 GiB.
    @Test(
        arguments: [
            (0, 0, 16, 24_576, 1440), (0, 0, 1, 24_576, 23_040), (0, 0, 64, 24_576, 360),
            (0, 0, 1, 2048, 1792), (0, 0, 4, 2048, 448), (0, 0, 16, 2048, 128),
            (0, 0, 1000, 2048, 128), (0, 0, 1, 100, 128), (1, 4, 16, 262_144, 64_512),
            (4, 4, 16, 262_144, 258_048), (3, 4, 1, 262_144, 193_536),
            (0, 4, 16, 262_144, 16_128),
        ] as [(Int, Int, Int, Int64, Double)])
    func `memory is shared out by GPUs, or by slots, beside what the host keeps`(
        gpuCount: Int, gpus: Int, slots: Int, mebibytes: Int64, expected: Double
    ) throws {
        let share = Self.share(
            gpuCount: gpuCount, of: gpus, slots: slots, mebibytes: mebibytes)
        let bytes = try #require(share.memoryByteCount)
        #expect(abs(Double(bytes) / 1_048_576 - expected) < 0.1)
        #expect(bytes % 65_536 == 0)
    }

    @Test func `all shares together are no more than the machine has, but for the least`() throws {
        for gpus in 1...16 {
            let share = Self.share(gpuCount: 1, of: gpus, cores: 7, mebibytes: 50_000)
            #expect(Double(gpus) * share.cores <= 7.000_001)
            #expect(try #require(share.memoryByteCount) * Int64(gpus) <= 50_000 << 20)
        }
    }

    @Test func `cores are the share of the machine's`() {
        #expect(Self.share(gpuCount: 2, of: 8, cores: 64, mebibytes: 1024).cores == 16)
        #expect(Self.share(slots: 16, cores: 2, mebibytes: 1024).cores == 0.125)
        // One GPU broke down since: no more than all there is.
        #expect(Self.share(gpuCount: 8, of: 7, cores: 64, mebibytes: 1024).cores == 64)
    }

    @Test(arguments: [0, -1, Double.nan, .infinity])
    func `a machine that does not say what it has bounds nothing`(memoryMB: Double) {
        let share = InstanceShare(
            gpuCount: 0, of: 0, slots: 1, cpuCores: 1, memoryMB: memoryMB)
        #expect(share.memoryByteCount == nil)
    }
}
