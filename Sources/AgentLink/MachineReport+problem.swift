extension MachineReport {
    /// Why nothing can be reckoned with it, in words for the server's log; nil when all is as a machine may have it.
    ///
    /// A machine is not trusted to tell the truth (security.md): what it tells must do no harm to the others' offers.
    package var problem: String? {
        let amounts: [(String, Double)] =
            [
                ("cpu_ghz", cpuGHz ?? 0), ("memory_mb", memoryMB), ("disk_gb", diskGB),
                ("disk_free_gb", diskFreeGB), ("price", price),
                ("cuda_version", cudaVersion.map { Double($0) ?? .infinity } ?? 0),
            ]
            + gpus.flatMap { [("memory_mib", $0.memoryMiB), ("power_limit", $0.powerLimit ?? 0)] }
        if let (name, _) = amounts.first(where: { !(0...1e9).contains($0.1) }) {
            return "\(name) is no amount"
        }
        let counts =
            [("cpu_cores", cpuCores), ("slots", slots), ("gpus", gpus.count)]
            + gpus.map { ("index", $0.index) }
        if let (name, _) = counts.first(where: { !(0...Self.maximumCount).contains($0.1) }) {
            return "\(name) is no count"
        }
        let texts =
            [
                hostname, bootID, engine, architecture, cpuName, driverVersion ?? "",
                publicAddress, location ?? "",
            ] + gpus.flatMap { [$0.name, $0.uuid] }
        return texts.contains { $0.utf8.count > Self.maximumByteCount } ? "a text is too long" : nil
    }

    private static let maximumCount = 4096
    private static let maximumByteCount = 512
}
