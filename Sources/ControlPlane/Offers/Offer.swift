package import AgentLink

/// A part of a machine that an instance can be made on: so many of its GPUs, or, on a machine without GPUs, a
/// share of it.
///
/// Its id stays the same for as long as the machine has that part; making an instance on it does not use it up.
package struct Offer: Sendable, Hashable, Identifiable {
    package typealias ID = Int64
    package var id: ID
    package var machine: Machine
    package var gpuCount: Int
    /// What the machine has, as it last said.
    package var report: MachineReport
    /// What is left of it.
    package var free: MachineCapacity

    package init(
        id: ID, machine: Machine, gpuCount: Int, report: MachineReport, free: MachineCapacity
    ) {
        self.id = id
        self.machine = machine
        self.gpuCount = gpuCount
        self.report = report
        self.free = free
    }

    /// The smallest disk that an instance can have, in GB (contract 4).
    package static let leastDiskGB = 8.0

    /// Whether an instance with the smallest disk could be made on it now.
    package var isRentable: Bool {
        free.holds(gpuCount: gpuCount, diskGB: Self.leastDiskGB)
    }

    /// Dollars an hour.
    package var price: Double { report.price * Double(max(gpuCount, 1)) }

    /// The share of the machine's GPUs; of the rest see ``MachineReport/share(gpuCount:)``.
    package var share: Double {
        report.gpus.isEmpty ? 1 : Double(gpuCount) / Double(report.gpus.count)
    }
}

/// What is left of a machine beside the instances on it.
package struct MachineCapacity: Sendable, Hashable {
    /// How many more instances there may be.
    package var slots: Int
    package var gpus: Int
    /// In GB of 10^9 bytes.
    package var diskGB: Double

    package init(slots: Int, gpus: Int, diskGB: Double) {
        self.slots = slots
        self.gpus = gpus
        self.diskGB = diskGB
    }

    /// What a machine has, less what is taken.
    ///
    /// - Parameters:
    ///   - report: The machine's last word.
    ///   - instances: How many instances it has, those included that are on their way out.
    ///   - gpus: How many GPUs those have that run, or may still run.
    ///   - claimedGB: What they may fill.
    ///   - writtenGB: What they have filled of that, as far as it is known; the report's free space is without it.
    package init(
        of report: MachineReport, instances: Int, gpus: Int, claimedGB: Double, writtenGB: Double
    ) {
        slots = max(0, report.slots - instances)
        self.gpus = max(0, report.gpus.count - gpus)
        diskGB = max(0, report.diskFreeGB + writtenGB - claimedGB)
    }

    /// Whether one more instance finds room.
    package func holds(gpuCount: Int, diskGB: Double) -> Bool {
        slots > 0 && gpus >= gpuCount && self.diskGB >= diskGB
    }
}

extension MachineReport {
    /// The numbers of GPUs that are offered together: one, two, four … and all; 0 on a machine without.
    package var offeredGPUCounts: [Int] {
        guard !gpus.isEmpty else { return [0] }
        var counts: [Int] = []
        var count = 1
        while count < gpus.count {
            counts.append(count)
            count *= 2
        }
        return counts + [gpus.count]
    }
}
