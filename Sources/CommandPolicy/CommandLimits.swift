/// What one run of a command may use.
///
/// The jail sets them as timers, rlimits and, where the host has them, limits of a control group.
package struct CommandLimits: Sendable, Hashable, Codable {
    /// Seconds until the run is ended, unless its caller asks for another time.
    package var wallSeconds: Int
    /// The most seconds that a caller may ask for.
    package var maximumWallSeconds: Int
    /// Seconds of CPU time; nil for as long as it runs.
    package var cpuSeconds: Int?
    /// Bytes of memory.
    package var memoryBytes: Int
    /// Bytes of standard output and standard error together; nil for as many as are kept.
    package var outputBytes: Int?
    /// How many files and folders one command may remove; nil for any number.
    package var entries: Int64?

    private enum CodingKeys: String, CodingKey {
        case entries
        case wallSeconds = "wall_seconds"
        case maximumWallSeconds = "max_wall_seconds"
        case cpuSeconds = "cpu_seconds"
        case memoryBytes = "memory_bytes"
        case outputBytes = "output_bytes"
    }

    package init(
        wallSeconds: Int = 60, maximumWallSeconds: Int = 86_400, cpuSeconds: Int? = nil,
        memoryBytes: Int = 1 << 30,
        outputBytes: Int? = nil, entries: Int64? = nil
    ) {
        self.wallSeconds = wallSeconds
        self.maximumWallSeconds = maximumWallSeconds
        self.cpuSeconds = cpuSeconds
        self.memoryBytes = memoryBytes
        self.outputBytes = outputBytes
        self.entries = entries
    }

    /// The lower of each.
    package func narrowed(by other: CommandLimits) -> CommandLimits {
        CommandLimits(
            wallSeconds: min(wallSeconds, other.wallSeconds),
            maximumWallSeconds: min(maximumWallSeconds, other.maximumWallSeconds),
            cpuSeconds: [cpuSeconds, other.cpuSeconds].compactMap { $0 }.min(),
            memoryBytes: min(memoryBytes, other.memoryBytes),
            outputBytes: [outputBytes, other.outputBytes].compactMap { $0 }.min(),
            entries: [entries, other.entries].compactMap { $0 }.min())
    }
}

extension CommandLimits {
    /// What older versions kept has no most time, and meant the longest there is.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            wallSeconds: try container.decode(Int.self, forKey: .wallSeconds),
            maximumWallSeconds: try container.decodeIfPresent(
                Int.self, forKey: .maximumWallSeconds) ?? 86_400,
            cpuSeconds: try container.decodeIfPresent(Int.self, forKey: .cpuSeconds),
            memoryBytes: try container.decode(Int.self, forKey: .memoryBytes),
            outputBytes: try container.decodeIfPresent(Int.self, forKey: .outputBytes),
            entries: try container.decodeIfPresent(Int64.self, forKey: .entries))
    }
}
