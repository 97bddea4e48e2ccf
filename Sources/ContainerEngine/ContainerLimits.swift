/// What a container may take of the machine at a time; nil for as much as it likes.
package struct ContainerLimits: Sendable, Hashable {
    /// Processes and threads.
    package var processCount: Int?
    /// Memory, files in `/dev/shm` and other tmpfs included; it has no swap then.
    package var memoryByteCount: Int64?
    /// Its weight among those that want the processors; 1024 is what the engine gives by default.
    package var cpuShares: Int?

    /// - Parameters:
    ///   - processCount: The most processes and threads.
    ///   - memoryByteCount: The most bytes of memory.
    ///   - cpuShares: Its weight among those that want the processors, from 2 to 262,144.
    package init(
        processCount: Int? = nil, memoryByteCount: Int64? = nil, cpuShares: Int? = nil
    ) {
        self.processCount = processCount
        self.memoryByteCount = memoryByteCount
        self.cpuShares = cpuShares
    }
}
