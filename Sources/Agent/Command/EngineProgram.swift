internal import ContainerEngine
internal import FoundationEssentials
internal import Glibc

/// A program that an engine runs in a container.
struct EngineProgram: Sendable, Hashable {
    /// The engine's.
    let id: String
    /// Seconds from this host's start to when it was asked for.
    let askedAt: Int

    /// One that is asked for now.
    init(_ id: String) {
        self.id = id
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        askedAt = time.tv_sec
    }

    /// - Parameter fileName: Of its file; nil when it is that of another file.
    init?(fileName: String) {
        let words = fileName.split(separator: "-", omittingEmptySubsequences: false)
        guard words.count == 2, Container.isID(String(words[0])), let askedAt = Int(words[1]) else {
            return nil
        }
        id = String(words[0])
        self.askedAt = askedAt
    }

    var fileName: String { "\(id)-\(askedAt)" }

    /// Whether a process of this host began when this program may have; nil when there is none.
    func canHaveBegun(as processID: Int32) -> Bool? {
        guard let begun = Self.begin(of: processID) else { return nil }
        return (askedAt - 1...askedAt + Self.longestStart).contains(begun)
    }

    /// Seconds from this host's start to a process's (proc_pid_stat(5), `starttime`).
    private static func begin(of processID: Int32) -> Int? {
        guard
            let stat = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .isoLatin1),
            // The name before it may hold anything.
            let end = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[end...].split(separator: " ")
        guard fields.count > 20, let ticks = Int(fields[20]) else { return nil }
        return ticks / max(1, sysconf(CInt(_SC_CLK_TCK)))
    }

    /// The longest that an engine takes from the wish to the start, in seconds.
    private static let longestStart = 600
}
