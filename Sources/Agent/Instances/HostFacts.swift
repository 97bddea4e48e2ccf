internal import Glibc

/// What the kernel says of this machine.
package struct HostFacts: Sendable, Hashable {
    package var hostname: String
    /// Another one after each start of the kernel (random(4)).
    package var bootID: String
    /// `amd64` or `arm64`, as image registries say.
    package var architecture: String
    package var cpuName: String
    package var cpuCores: Int
    package var cpuGHz: Double?
    package var memoryMB: Double

    /// Reads `/proc` and asks uname(2).
    static func read() -> HostFacts {
        var names = utsname()
        uname(&names)
        let cpu = cpu(from: text("/proc/cpuinfo"))
        let highest = Double(
            text("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq").prefix {
                $0.isNumber
            })
        return HostFacts(
            hostname: string(names.nodename),
            bootID: String(text("/proc/sys/kernel/random/boot_id").prefix { $0 != "\n" }),
            architecture: architecture(string(names.machine)),
            cpuName: cpu.name, cpuCores: cpu.cores,
            cpuGHz: highest.map { $0 / 1_000_000 } ?? cpu.megahertz.map { $0 / 1000 },
            memoryMB: memoryMB(from: text("/proc/meminfo")))
    }

    /// Reads `/proc/cpuinfo` (proc_cpuinfo(5)); the names of its fields are the architecture's.
    ///
    /// - Parameter text: The file.
    /// - Returns: The first processor's name, how many there are, and the highest clock among them now.
    package static func cpu(
        from text: String
    ) -> (name: String, cores: Int, megahertz: Double?) {
        var fields: [String: [Substring]] = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].prefix { $0 != "\t" }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            fields[String(name), default: []].append(value)
        }
        let name = ["model name", "Model", "Hardware"].lazy.compactMap { fields[$0]?.first }.first
        return (
            name.map(String.init) ?? "unknown", max(1, fields["processor"]?.count ?? 0),
            fields["cpu MHz"]?.compactMap { Double($0) }.max()
        )
    }

    /// Reads `/proc/meminfo` (proc_meminfo(5)).
    ///
    /// - Parameter text: The file; its `kB` are of 1024 bytes.
    /// - Returns: `MemTotal`, in MB of 10^6 bytes.
    package static func memoryMB(from text: String) -> Double {
        for line in text.split(separator: "\n") where line.hasPrefix("MemTotal:") {
            let words = line.split(separator: " ")
            return words.count > 1 ? (Double(words[1]) ?? 0) * 1024 / 1_000_000 : 0
        }
        return 0
    }

    package static func architecture(_ machine: String) -> String {
        switch machine {
        case "x86_64": "amd64"
        case "aarch64": "arm64"
        default: machine
        }
    }

    /// The size of the file system at a path and what is free of it for others than root, in GB of 10^9 bytes;
    /// nil when there is none.
    static func disk(at path: String) -> (size: Double, free: Double)? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let unit = Double(status.f_frsize) / 1e9
        return (Double(status.f_blocks) * unit, Double(status.f_bavail) * unit)
    }

    private static func text(_ path: String) -> String {
        guard let descriptor = fopen(path, "re") else { return "" }
        defer { fclose(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, descriptor)
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A C string in a field of fixed length.
    private static func string<Field>(_ field: Field) -> String {
        withUnsafeBytes(of: field) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
