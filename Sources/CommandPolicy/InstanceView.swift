/// What of an instance a command sees.
package enum InstanceView: String, Sendable, Hashable, Codable, CaseIterable {
    /// All its files.
    case merged
    /// Only what it has written itself: its writable layer, which is what its owner pays for.
    case writable
}

/// Who runs a command, and on what.
package enum CommandBackend: String, Sendable, Hashable, Codable, CaseIterable {
    /// The host's tool, on a view of the instance's files; the instance may be running or stopped.
    case jail
    /// The instance's own program, through the container engine; the instance must be running.
    case engine
    /// Nobody: what the instance has printed is read (``LogRequest``). No rule of a policy may say so.
    case logs

    /// Those that a policy's rules may name.
    package static let ofPolicies = [jail, engine]
}
