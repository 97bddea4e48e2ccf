internal import AgentLink
internal import ControlPlane
internal import VastAPI

/// Offers as rows of the wire: upstream's columns (contract 5).
///
/// What the command line's table formats is a number or null. A fleet of one's own is verified, not external, and
/// its machines are as reliable as the operator makes them: the command line's own filters ask for that. Anybody may
/// look at them, so they name no machine and no address: an instance's row does, for whoever has made it.
struct OfferRows: Sendable {
    let dispatcher: Dispatcher

    func row(_ offer: Offer) -> [String: JSONValue] {
        var row = Self.constants
        addPlace(of: offer, to: &row)
        addGPUs(of: offer, to: &row)
        addProcessor(of: offer, to: &row)
        for name in ["dph_total", "dph_base", "min_bid", "discounted_dph_total"] {
            row[name] = .double(offer.price)
        }
        return row
    }

    private func addPlace(of offer: Offer, to row: inout [String: JSONValue]) {
        let isRentable = dispatcher.reach(offer.machine.id) == .full && offer.isRentable
        for name in ["id", "ask_contract_id", "bundle_id"] { row[name] = .int(offer.id) }
        row["machine_id"] = .int(offer.machine.id)
        row["host_id"] = .int(offer.machine.id)
        row["rentable"] = .bool(isRentable)
        row["rented"] = .bool(!isRentable)
        row["geolocation"] = .string(offer.report.location ?? "")
        row["direct_port_count"] = .int(Int64(max(1, offer.free.slots)))
        row["disk_space"] = .double(offer.free.diskGB.rounded(.down))
    }

    private func addGPUs(of offer: Offer, to row: inout [String: JSONValue]) {
        let gpu = offer.report.gpus.first
        row["num_gpus"] = .int(Int64(offer.gpuCount))
        row["gpu_name"] = .optional(gpu.map { Self.shortName($0.name) })
        row["gpu_ram"] = .double(gpu?.memoryMiB ?? 0)
        row["gpu_total_ram"] = .double((gpu?.memoryMiB ?? 0) * Double(offer.gpuCount))
        row["gpu_max_power"] = Self.number(gpu?.powerLimit)
        row["gpu_frac"] = .double(offer.share)
        row["gpu_arch"] = .optional(gpu.map { _ in "nvidia" })
        row["driver_version"] = .optional(offer.report.driverVersion)
        row["driver_vers"] = Self.versionNumber(offer.report.driverVersion)
        row["cuda_max_good"] = Self.number(offer.report.cudaVersion.flatMap { Double($0) })
    }

    private func addProcessor(of offer: Offer, to row: inout [String: JSONValue]) {
        let share = offer.report.share(gpuCount: offer.gpuCount)
        row["cpu_name"] = .string(offer.report.cpuName)
        row["cpu_arch"] = .string(offer.report.architecture)
        row["cpu_cores"] = .int(Int64(offer.report.cpuCores))
        row["cpu_cores_effective"] = .double(share.cores)
        row["cpu_ghz"] = Self.number(offer.report.cpuGHz)
        row["cpu_ram"] = .double(Double(share.memoryByteCount ?? 0) / 1e6)
    }

    private static func number(_ value: Double?) -> JSONValue { value.map { .double($0) } ?? .null }

    /// `NVIDIA GeForce RTX 4090` is upstream's `RTX 4090`.
    static func shortName(_ name: String) -> String {
        name.split(separator: " ").filter { $0 != "NVIDIA" && $0 != "GeForce" && $0 != "Tesla" }
            .joined(separator: " ")
    }

    /// `535.86.05` as the command line sends it in filters: 535086005 (contract 0.5).
    static func versionNumber(_ version: String?) -> JSONValue {
        let parts = (version ?? "").split(separator: ".").map { Int64($0) }
        guard (1...3).contains(parts.count),
            parts.allSatisfy({ part in part.map { (0..<1_000_000).contains($0) } ?? false })
        else { return .null }
        let numbers = parts.compactMap { $0 } + [0, 0]
        return .int(numbers[0] * 1_000_000 + numbers[1] * 1000 + numbers[2])
    }

    /// The names of all columns, whether there is an offer or not.
    static let columns = Set(constants.keys).union([
        "id", "ask_contract_id", "bundle_id", "machine_id", "host_id", "rentable", "rented",
        "geolocation", "direct_port_count", "disk_space", "num_gpus", "gpu_name", "gpu_ram",
        "gpu_total_ram", "gpu_max_power", "gpu_frac", "gpu_arch", "driver_version", "driver_vers",
        "cuda_max_good", "cpu_name", "cpu_arch", "cpu_cores", "cpu_cores_effective", "cpu_ghz",
        "cpu_ram", "dph_total", "dph_base", "min_bid", "discounted_dph_total",
    ])

    /// What is the same for each offer: of this fleet, or not known of any.
    private static let constants: [String: JSONValue] = [
        "type": .string("ondemand"),
        "is_bid": .bool(false),
        "verified": .bool(true),
        "verification": .string("verified"),
        "external": .bool(false),
        "static_ip": .bool(true),
        "hostname": .null,
        "public_ipaddr": .null,
        "hosting_type": .int(0),
        "datacenter": .bool(false),
        "reliability": .double(1),
        "reliability2": .double(1),
        "expected_reliability": .double(1),
        // Years; nobody takes a machine of one's own away at a date.
        "duration": .double(315_360_000),
        "end_date": .null,
        "start_date": .null,
        "gpu_display_active": .bool(false),
        "gpu_max_temp": .null,
        "vms_enabled": .bool(false),
        "dlperf": .double(0),
        "dlperf_per_dphtotal": .double(0),
        "score": .double(0),
        "total_flops": .double(0),
        "flops_per_dphtotal": .double(0),
        "gpu_mem_bw": .double(0),
        "gpu_lanes": .int(0),
        "pcie_bw": .double(0),
        "bw_nvlink": .double(0),
        "compute_cap": .null,
        "has_avx": .null,
        "disk_bw": .double(0),
        "inet_up": .double(0),
        "inet_down": .double(0),
        "inet_up_cost": .double(0),
        "inet_down_cost": .double(0),
        "internet_up_cost_per_tb": .double(0),
        "internet_down_cost_per_tb": .double(0),
        "storage_cost": .double(0),
        "storage_total_cost": .double(0),
        "credit_discount_max": .double(0),
        "ubuntu_version": .null,
        "disk_name": .null,
        "mobo_name": .null,
        "pci_gen": .null,
        "os_version": .null,
        "rn": .int(1),
        "logo": .null,
        "webpage": .null,
        "cluster_id": .null,
        "nw_disk_avg_bw": .null,
        "avail_vol_ask_id": .null,
        "avail_vol_size": .null,
    ]
}
