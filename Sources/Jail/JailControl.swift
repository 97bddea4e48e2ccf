internal import CJail

/// The control block: what the jail library is told (layout: `cjail_control.h`).
enum JailControl {
    /// - Throws: ``JailError`` when the plan does not fit: a NUL in a path, or a block over its limit.
    static func encode(_ plan: JailPlan) throws(JailError) -> [UInt8] {
        var flags: UInt64 = 0
        if plan.writes { flags |= UInt64(CJAIL_WRITES) }
        if plan.blocksLiveMounts { flags |= UInt64(CJAIL_LIVE) }
        if plan.wantsMagicDatabase { flags |= UInt64(CJAIL_MAGIC_DATABASE) }
        let roots: [String]
        switch plan.view {
        case .merged(let path):
            roots = [path]
        case .layers(let paths):
            roots = paths
            flags |= UInt64(CJAIL_LAYERS)
        }
        let strings =
            roots
            + plan.volumes.flatMap { [$0.source, $0.destination, $0.isWritable ? "w" : "r"] }
            + plan.blockers + plan.guards + plan.protected + plan.paths
        var body: [UInt8] = []
        for string in strings {
            guard !string.utf8.contains(0) else {
                throw JailError("control", "a path holds a NUL byte")
            }
            body.append(contentsOf: string.utf8)
            body.append(0)
        }
        let length = MemoryLayout<cjail_header>.size + body.count
        guard length <= Int(CJAIL_CONTROL_MAX) else {
            throw JailError("control", "the control block is too long")
        }
        var header = cjail_header(
            magic: UInt32(CJAIL_MAGIC), version: UInt32(CJAIL_VERSION), length: UInt64(length),
            flags: flags, capabilities: capabilities(writes: plan.writes),
            cpu_seconds: UInt64(max(1, plan.limits.cpuSeconds)),
            address_space: UInt64(plan.limits.memoryByteCount),
            open_files: UInt64(JailLimits.openFiles), root_count: UInt32(roots.count),
            volume_count: UInt32(plan.volumes.count), blocker_count: UInt32(plan.blockers.count),
            guard_count: UInt32(plan.guards.count),
            protected_count: UInt32(plan.protected.count), path_count: UInt32(plan.paths.count))
        return withUnsafeBytes(of: &header) { Array($0) } + body
    }

    /// `CAP_DAC_OVERRIDE` (1), and `CAP_FOWNER` (3) for what unlinks in sticky folders
    /// (capabilities(7)).
    private static func capabilities(writes: Bool) -> UInt64 {
        writes ? 1 << 1 | 1 << 3 : 1 << 1
    }
}

/// A jail that cannot be had.
///
/// For the operator.
package struct JailError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What failed, in a word.
    package let step: String
    package let message: String

    /// Whether the process whose mounts were asked for is gone.
    package var isGoneProcess: Bool { step == "process" }

    init(_ step: String, _ message: String) {
        self.step = step
        self.message = message
    }

    package var description: String { "\(step): \(message)" }
}
