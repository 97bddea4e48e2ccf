internal import Glibc
internal import NIOConcurrencyHelpers

/// Control groups in which tools run, each with a limit of memory, one CPU and one task.
///
/// Made once and used again: a new group costs more than a short command, and one that is removed stays in the
/// kernel as long as something that was read in it is cached. Works with version 1, version 2 and hosts that have
/// some controllers on each (cgroups(7)); what a host does not have is left to the rlimits.
package final class JailCgroups: Sendable {
    private let hierarchies: [CgroupHierarchy]
    private let name: String
    private let pool = NIOLockedValueBox(Pool())

    private struct Pool {
        var free: [JailCgroup] = []
        var madeCount = 0
    }

    /// No groups at all: rlimits alone.
    package static let none = JailCgroups(hierarchies: [], name: "")

    /// The controllers that there are.
    package var controllers: [String] { hierarchies.flatMap(\.controllers) }

    private init(hierarchies: [CgroupHierarchy], name: String) {
        self.hierarchies = hierarchies
        self.name = name
    }

    /// Finds this host's control groups, and removes those that a dead agent of the same name left.
    ///
    /// - Parameters:
    ///   - name: This agent's, unique on this host, without slashes.
    ///   - mountTable: Where the hierarchies are mounted (proc_pid_mountinfo(5)).
    package convenience init(name: String, mountTable: String = "/proc/self/mountinfo") {
        let hierarchies = CgroupHierarchy.all(mountTable: mountTable)
            .compactMap { $0.prepared(for: name) }
        self.init(hierarchies: hierarchies, name: name)
    }

    /// Removes the groups that nobody is in; those that are taken later are made anew.
    func removeAll() {
        let free = pool.withLockedValue { pool in
            defer { pool.free = [] }
            return pool.free
        }
        for group in free { group.remove() }
        for hierarchy in hierarchies { hierarchy.remove(name) }
    }

    deinit {
        removeAll()
    }

    /// A group that nobody else uses, with this limit.
    ///
    /// - Throws: ``JailError`` `cgroup` when there are hierarchies and the limit cannot be set.
    func take(memoryByteCount: Int) throws(JailError) -> JailCgroup {
        guard !hierarchies.isEmpty else { return JailCgroup() }
        let (free, number) = pool.withLockedValue { pool -> (JailCgroup?, Int) in
            if let free = pool.free.popLast() { return (free, 0) }
            pool.madeCount += 1
            return (nil, pool.madeCount)
        }
        var group: JailCgroup
        if let free {
            group = free
        } else {
            group = try JailCgroup(in: hierarchies, name: "\(name)/\(number)")
        }
        do throws(JailError) {
            try group.limitMemory(memoryByteCount)
        } catch {
            group.remove()
            throw error
        }
        return group
    }

    func giveBack(_ group: JailCgroup) {
        guard !group.folders.isEmpty else { return }
        pool.withLockedValue { $0.free.append(group) }
    }
}

/// One tool's group: a folder in each hierarchy.
struct JailCgroup: Sendable {
    /// Each with its hierarchy.
    private(set) var folders: [(hierarchy: CgroupHierarchy, path: String)] = []
    /// Open for writing: whoever writes `0` into each is in the group.
    private(set) var descriptors: [CInt] = []
    private var memoryByteCount = 0
    private var outOfMemoryKills = 0

    /// None: rlimits alone.
    init() {}

    init(in hierarchies: [CgroupHierarchy], name: String) throws(JailError) {
        do throws(JailError) {
            for hierarchy in hierarchies {
                let path = try hierarchy.makeGroup(name)
                folders.append((hierarchy, path))
                let file = open(path + "/" + hierarchy.joinFile, O_WRONLY | O_CLOEXEC)
                guard file >= 0 else { throw JailError("cgroup", "\(path): \(errorText())") }
                descriptors.append(file)
            }
        } catch {
            remove()
            throw error
        }
        outOfMemoryKills = countedOutOfMemoryKills()
    }

    mutating func limitMemory(_ byteCount: Int) throws(JailError) {
        guard byteCount != memoryByteCount,
            let (hierarchy, path) = folders.first(where: {
                $0.hierarchy.controllers.contains("memory")
            })
        else { return }
        try hierarchy.limitMemory(byteCount, in: path)
        memoryByteCount = byteCount
    }

    /// Whether the kernel has killed something in the group since this was last asked.
    mutating func hasNewOutOfMemoryKill() -> Bool {
        let count = countedOutOfMemoryKills()
        defer { outOfMemoryKills = count }
        return count > outOfMemoryKills
    }

    func remove() {
        for descriptor in descriptors { close(descriptor) }
        for (_, path) in folders { rmdir(path) }
    }

    private func countedOutOfMemoryKills() -> Int {
        folders.first { $0.hierarchy.controllers.contains("memory") }
            .map { $0.hierarchy.outOfMemoryKills(in: $0.path) } ?? 0
    }
}
