/// All that a jailed run is made of.
///
/// Nothing in it comes from inside an instance but the operands, which mean something in the view
/// alone.
package struct JailPlan: Sendable, Hashable {
    /// The host's tool, as an absolute path.
    package var tool: String
    /// The tool's name and its arguments.
    package var arguments: [String]
    package var view: View
    /// Whether the view is writable.
    ///
    /// Never with ``View/layers(_:)``.
    package var writes: Bool
    package var volumes: [Volume]
    /// Paths in the view that get an empty read-only mount.
    package var blockers: [String]
    /// Whether the blockers stand for a running instance's mounts: a writer does not start when one of them
    /// has no place in the view, as its mount would be unprotected.
    package var blocksLiveMounts: Bool
    /// Operands, relative to `/`, that must be neither the view's root nor a mount point nor ``protected``.
    package var guards: [String]
    /// Paths in the view that no guarded operand may be, by device and inode.
    package var protected: [String]
    /// Normalised paths, shorter ones first, outside of which the view has nothing; empty for everything.
    package var paths: [String]
    /// Whether the tool is file(1), which gets the host's database of magic numbers.
    package var wantsMagicDatabase: Bool
    package var limits: JailLimits

    package init(
        tool: String, arguments: [String], view: View, writes: Bool, volumes: [Volume] = [],
        blockers: [String] = [], blocksLiveMounts: Bool = false, guards: [String] = [],
        protected: [String] = [], paths: [String] = [], wantsMagicDatabase: Bool = false,
        limits: JailLimits
    ) {
        self.protected = protected
        self.paths = paths
        self.wantsMagicDatabase = wantsMagicDatabase
        self.tool = tool
        self.arguments = arguments
        self.view = view
        self.writes = writes
        self.volumes = volumes
        self.blockers = blockers
        self.blocksLiveMounts = blocksLiveMounts
        self.guards = guards
        self.limits = limits
    }

    /// Where the instance's file system is taken from; paths on the host, which no tenant can move.
    package enum View: Sendable, Hashable {
        /// An overlay that the engine has mounted.
        case merged(String)
        /// The layers of one that is not mounted, topmost first.
        case layers([String])
    }

    /// A volume of the instance.
    package struct Volume: Sendable, Hashable {
        /// On the host.
        package var source: String
        /// In the view.
        package var destination: String
        package var isWritable: Bool

        package init(source: String, destination: String, isWritable: Bool) {
            self.source = source
            self.destination = destination
            self.isWritable = isWritable
        }
    }
}

/// What a run may use.
package struct JailLimits: Sendable, Hashable {
    /// From spawn to the last byte of output.
    package var wallTime: Duration
    /// Seconds of processor time (`RLIMIT_CPU`).
    package var cpuSeconds: Int
    /// In bytes: of the control group, and of address space (`RLIMIT_AS`).
    package var memoryByteCount: Int
    /// Both streams together, in bytes.
    package var outputByteCount: Int

    package init(
        wallTime: Duration, cpuSeconds: Int, memoryByteCount: Int, outputByteCount: Int
    ) {
        self.wallTime = wallTime
        self.cpuSeconds = cpuSeconds
        self.memoryByteCount = memoryByteCount
        self.outputByteCount = outputByteCount
    }

    /// Open files of one tool (`RLIMIT_NOFILE`); fts(3), which `rm` and `du` walk with, keeps few.
    static let openFiles = 256
}

/// How a run ended.
package struct JailEnd: Sendable, Hashable {
    package enum Cause: Sendable, Hashable {
        case exited(code: Int)
        case signalled(Int)
        case timedOut
        case cancelled
        case outputLimit
        /// The sink took no more; see ``JailEnd/sinkFailure``.
        case sinkFailed
        /// The jail could not be set up: the step's word (`cjail_control.h`) and its errno. The tool's
        /// main did not run.
        case notStarted(step: String, code: Int)
    }

    package var cause: Cause
    /// From spawn to the end of output.
    package var runtime: Duration
    /// What the sink threw.
    package var sinkFailure: (any Error)?
    /// False when the process did not end within the grace after it was killed: it is stuck in the
    /// kernel and was set aside.
    package var isCollected: Bool
    /// Whether the control group killed it because it wanted more memory than it may have.
    package var ranOutOfMemory: Bool
    /// Whether it was killed because its processor time was over.
    package var usedUpTime: Bool

    package init(
        cause: Cause, runtime: Duration, sinkFailure: (any Error)? = nil,
        isCollected: Bool = true, ranOutOfMemory: Bool = false,
        usedUpTime: Bool = false
    ) {
        self.cause = cause
        self.runtime = runtime
        self.sinkFailure = sinkFailure
        self.isCollected = isCollected
        self.ranOutOfMemory = ranOutOfMemory
        self.usedUpTime = usedUpTime
    }

    package static func == (one: JailEnd, other: JailEnd) -> Bool {
        one.cause == other.cause && one.runtime == other.runtime
            && one.isCollected == other.isCollected && one.ranOutOfMemory == other.ranOutOfMemory
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(cause)
        hasher.combine(runtime)
        hasher.combine(isCollected)
    }
}

/// A stream of the tool's.
package enum JailStream: Sendable, Hashable {
    case stdout, stderr
}
