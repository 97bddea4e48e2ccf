package import AgentLink

/// What `nvidia-smi` writes, as far as it is read here.
package enum NvidiaReport {
    /// Options of ``gpus(from:)``'s program; the fields stand in this order.
    static let query = [
        "--query-gpu=index,uuid,name,memory.total,power.limit,driver_version",
        "--format=csv,noheader,nounits",
    ]

    /// Reads lines of comma-separated values; a line that is none is passed over.
    ///
    /// - Parameter text: Such as `0, GPU-5e2f…, NVIDIA GeForce RTX 4090, 24564, 450.00, 550.54.15`.
    /// - Returns: The GPUs in the order of their numbers, and the driver's version.
    package static func gpus(from text: String) -> (gpus: [MachineReport.GPU], driver: String?) {
        var gpus: [MachineReport.GPU] = []
        var driver: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map {
                String($0).trimmed
            }
            // A name may hold commas; the fields around it do not.
            guard fields.count >= 6, let index = Int(fields[0]), fields[1].hasPrefix("GPU-"),
                let memory = Double(fields[fields.count - 3])
            else { continue }
            gpus.append(
                MachineReport.GPU(
                    index: index, uuid: fields[1],
                    name: fields[2..<(fields.count - 3)].joined(separator: ", "),
                    // `[N/A]` where the driver does not say.
                    memoryMiB: memory, powerLimit: Double(fields[fields.count - 2])))
            driver = fields[fields.count - 1]
        }
        return (gpus.sorted { $0.index < $1.index }, driver)
    }

    /// The highest CUDA version that the driver carries.
    ///
    /// - Parameter text: The table that the program writes without options; its head has `CUDA Version: 12.4`.
    /// - Returns: Such as `12.4`.
    package static func cudaVersion(from text: String) -> String? {
        guard let label = text.firstRange(of: "CUDA Version:") else { return nil }
        let version = text[label.upperBound...].drop { $0 == " " }
            .prefix { $0.isNumber || $0 == "." }
        return version.isEmpty ? nil : String(version)
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
