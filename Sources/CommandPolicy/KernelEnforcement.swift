/// What holds a command to its decision, whatever its program does: set up before the program's `main`, and
/// nothing runs when any of it cannot be set up (docs/jail.md).
package struct KernelEnforcement: Sendable, Hashable, Encodable {
    /// Flags of the view's own mount; blockers and the root of a narrowed view are always `ro`.
    package let mounts: [String]
    /// The capabilities that are left.
    package let capabilities: [String]
    /// The list of system calls that are let through; see docs/jail.md.
    package let seccomp: String
    package let namespaces: [String]

    /// - Parameter writes: Whether the command changes files.
    init(writes: Bool) {
        mounts = ["nosuid", "nodev", "noexec", "noatime", writes ? "rw" : "ro"]
        capabilities = writes ? ["DAC_OVERRIDE", "FOWNER"] : ["DAC_OVERRIDE"]
        seccomp = writes ? "allow-list of writers" : "allow-list of readers"
        namespaces = ["pid", "mount", "ipc", "uts", "cgroup", "net"]
    }
}
