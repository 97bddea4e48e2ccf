/// What one instance has of its machine's memory and processors.
///
/// The server offers it and the agent makes containers by it: both reckon here, so that they say the same.
package struct InstanceShare: Sendable, Hashable {
    /// The most that it may hold, in bytes; nil where the machine does not say how much it has.
    package var memoryByteCount: Int64?
    /// How many of the machine's cores it has for certain; it may use all that nobody else wants.
    package var cores: Double

    /// - Parameters:
    ///   - gpuCount: How many of the machine's GPUs the instance has.
    ///   - gpus: How many there are.
    ///   - slots: How many instances there may be: without GPUs each has an equal part.
    ///   - cpuCores: Of the machine.
    ///   - memoryMB: Of the machine, in MB of 10^6 bytes.
    package init(
        gpuCount: Int, of gpus: Int, slots: Int, cpuCores: Int, memoryMB: Double
    ) {
        let fraction =
            gpuCount > 0 && gpus > 0
            ? min(1, Double(gpuCount) / Double(gpus)) : 1 / Double(max(1, slots))
        cores = Double(cpuCores) * fraction
        guard memoryMB.isFinite, memoryMB > 0 else { return }
        let all = Int64(min(memoryMB, 1e12) * 1e6)
        let shared = max(0, all - Self.reserve(of: all))
        // Whole pages, of 64 KiB at most: the kernel rounds to them, and says so.
        let part = Int64(Double(shared) * fraction) & ~0xffff
        memoryByteCount = max(Self.leastByteCount, part)
    }

    /// What no instance has, for the host and its engine: a sixteenth, and from 256 MiB to 4 GiB.
    static func reserve(of all: Int64) -> Int64 { min(max(all / 16, 256 << 20), 4 << 30) }

    /// A shell and its tools need no more; with many slots on a small machine more is promised than there is.
    static let leastByteCount: Int64 = 128 << 20
}

extension MachineReport {
    /// What an instance with so many of its GPUs has.
    package func share(gpuCount: Int) -> InstanceShare {
        InstanceShare(
            gpuCount: gpuCount, of: gpus.count, slots: slots, cpuCores: cpuCores,
            memoryMB: memoryMB)
    }
}
