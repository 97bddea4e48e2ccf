internal import Glibc

/// A mounted hierarchy of control groups: one of version 1, or the one of version 2.
struct CgroupHierarchy: Sendable {
    let mountPoint: String
    let isVersion2: Bool
    /// Those of memory, cpu and pids that it controls.
    let controllers: [String]

    /// The file into which `0` is written to join.
    ///
    /// In version 1 a task joins alone, which takes no lock against all forks and exits; in version 2 it is a process.
    var joinFile: String { isVersion2 ? "cgroup.procs" : "tasks" }

    private static let wanted = ["memory", "cpu", "pids"]
    /// The folder of all agents.
    private static let top = "boathook"

    /// The hierarchies that control something of what we want; each controller is in one of them.
    static func all(mountTable: String) -> [CgroupHierarchy] {
        guard let text = read(mountTable) else { return [] }
        var version1: [CgroupHierarchy] = []
        var unified: String?
        for line in text.split(separator: "\n") {
            // The optional fields end with a dash; after it come type, source and options.
            guard let dash = line.range(of: " - ") else { continue }
            let fields = line[..<dash.lowerBound].split(separator: " ")
            let rest = line[dash.upperBound...].split(separator: " ")
            guard fields.count >= 6, rest.count >= 3 else { continue }
            if rest[0] == "cgroup2" {
                unified = unified ?? String(fields[4])
            } else if rest[0] == "cgroup" {
                let options = rest[2].split(separator: ",").map(String.init)
                let controllers = wanted.filter(options.contains)
                guard !controllers.isEmpty,
                    !version1.contains(where: { $0.controllers == controllers })
                else { continue }
                version1.append(
                    CgroupHierarchy(
                        mountPoint: String(fields[4]), isVersion2: false, controllers: controllers))
            }
        }
        let taken = version1.flatMap(\.controllers)
        guard let unified, let there = read(unified + "/cgroup.controllers") else {
            return version1
        }
        let names = there.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
        let left = wanted.filter { names.contains($0) && !taken.contains($0) }
        guard !left.isEmpty else { return version1 }
        return version1
            + [CgroupHierarchy(mountPoint: unified, isVersion2: true, controllers: left)]
    }

    /// The hierarchy with a folder for this agent, and none of an earlier one's groups; nil when it cannot be used.
    func prepared(for name: String) -> CgroupHierarchy? {
        let top = "\(mountPoint)/\(Self.top)", own = "\(top)/\(name)"
        var usable = controllers
        // In version 2 a group has the controllers that the one above it gives on (cgroup-v2.rst, Top-down Constraint).
        // One that has processes itself gives none, except the root: in a container there may be nothing to be had.
        if isVersion2 { usable = enable(usable, in: mountPoint) }
        guard !usable.isEmpty else { return nil }
        for folder in [top, own] {
            guard Self.make(folder) else { return nil }
            if isVersion2 { usable = enable(usable, in: folder) }
        }
        for group in Self.folders(in: own) { rmdir("\(own)/\(group)") }
        guard !usable.isEmpty else {
            remove(name)
            return nil
        }
        return CgroupHierarchy(
            mountPoint: mountPoint, isVersion2: isVersion2, controllers: usable)
    }

    /// Removes the agent's folder, and the one above it if no other agent has one.
    func remove(_ name: String) {
        rmdir("\(mountPoint)/\(Self.top)/\(name)")
        rmdir("\(mountPoint)/\(Self.top)")
    }

    /// Makes a group with what holds for every tool: one CPU, one task.
    func makeGroup(_ name: String) throws(JailError) -> String {
        let path = "\(mountPoint)/\(Self.top)/\(name)"
        guard Self.make(path) else { throw JailError("cgroup", "\(path): \(errorText())") }
        if controllers.contains("pids") { try write("1", to: "pids.max", in: path) }
        if controllers.contains("cpu") {
            if isVersion2 {
                try write("100000 100000", to: "cpu.max", in: path)
            } else {
                try write("100000", to: "cpu.cfs_period_us", in: path)
                try write("100000", to: "cpu.cfs_quota_us", in: path)
            }
        }
        return path
    }

    func limitMemory(_ byteCount: Int, in path: String) throws(JailError) {
        if isVersion2 {
            try write("\(byteCount)", to: "memory.max", in: path)
            // Hosts without swap may lack the file.
            try? write("0", to: "memory.swap.max", in: path)
            return
        }
        // Memory and swap together may never be less than memory alone, whichever way the limit moves.
        try? write("-1", to: "memory.memsw.limit_in_bytes", in: path)
        try write("\(byteCount)", to: "memory.limit_in_bytes", in: path)
        try? write("\(byteCount)", to: "memory.memsw.limit_in_bytes", in: path)
    }

    /// How often the kernel has killed something in the group for want of memory.
    func outOfMemoryKills(in path: String) -> Int {
        let file = isVersion2 ? "memory.events" : "memory.oom_control"
        for line in (Self.read("\(path)/\(file)") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "oom_kill" { return Int(words[1]) ?? 0 }
        }
        return 0
    }

    /// Lets the groups below a folder have the controllers; gives those for which it could be done.
    private func enable(_ controllers: [String], in folder: String) -> [String] {
        controllers.filter {
            (try? write("+\($0)", to: "cgroup.subtree_control", in: folder)) != nil
        }
    }

    private func write(_ text: String, to file: String, in folder: String) throws(JailError) {
        let path = "\(folder)/\(file)"
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw JailError("cgroup", "\(path): \(errorText())") }
        defer { close(descriptor) }
        let count = text.utf8.count
        guard Glibc.write(descriptor, text, count) == count else {
            throw JailError("cgroup", "\(path): \(errorText())")
        }
    }

    private static func make(_ path: String) -> Bool {
        mkdir(path, 0o755) == 0 || errno == EEXIST
    }

    private static func folders(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != "..", entry.pointee.d_type == DT_DIR { names.append(name) }
        }
        return names
    }

    private static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: buffer[..<count])
        }
    }
}

func errorText() -> String { String(cString: strerror(errno)) }

extension Substring {
    /// The first place of a short text; the standard library alone has none.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) {
                return start..<index(start, offsetBy: text.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
