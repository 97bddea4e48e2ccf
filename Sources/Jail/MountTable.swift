internal import Glibc

/// Where a process has mounts (proc_pid_mountinfo(5)).
package enum MountTable {
    /// The mount points that the process sees below its root, sorted.
    ///
    /// - Parameter processID: As this host numbers it.
    /// - Returns: Their paths as the process sees them, each once.
    /// - Throws: ``JailError`` when the process is gone, or its table is longer than an instance of
    ///   ours has reason to make it.
    package static func mountPoints(of processID: Int32) throws(JailError) -> [String] {
        let text = try read("/proc/\(processID)/mountinfo")
        var points: Set<[UInt8]> = []
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard fields.count == 6 else {
                throw JailError("mountinfo", "a line without its fields")
            }
            let point = unescaped(fields[4])
            if !point.elementsEqual("/".utf8) { points.insert(point) }
        }
        return try points.map { point throws(JailError) in
            guard let text = String(validating: point, as: UTF8.self) else {
                throw JailError("mountinfo", "a mount point's name is no UTF-8")
            }
            return text
        }.sorted()
    }

    /// Whether the process's root is the root of its mount namespace, so that its table shows everything.
    ///
    /// - Throws: ``JailError`` when the process is gone.
    package static func isAtRoot(_ processID: Int32) throws(JailError) -> Bool {
        var target = [CChar](repeating: 0, count: 8)
        let count = readlink("/proc/\(processID)/root", &target, target.count)
        guard count >= 0 else { throw failure() }
        return count == 1 && target[0] == CChar(UInt8(ascii: "/"))
    }

    /// Those of the points that lie below none of the others, but for the exceptions, which count
    /// neither as points nor as cover.
    package static func topmost(_ points: [String], except exceptions: [String]) -> [String] {
        // Names are compared as bytes: Linux keeps names apart that Swift holds for equal.
        let exceptions = Set(exceptions.map { Array($0.utf8) })
        var topmost: [String] = []
        for point in points.sorted(by: { $0.utf8.count < $1.utf8.count })
        where !exceptions.contains(Array(point.utf8)) {
            let isCovered = topmost.contains { point.utf8.starts(with: "\($0)/".utf8) }
            if !isCovered { topmost.append(point) }
        }
        return topmost
    }

    /// Blanks and the like are written as three octal digits behind a backslash.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    private static func failure() -> JailError {
        // A process that has ended and was not collected has no table: EINVAL.
        let isGone = errno == ENOENT || errno == ESRCH || errno == EINVAL
        return JailError(isGone ? "process" : "mountinfo", String(cString: strerror(errno)))
    }

    private static func read(_ path: String) throws(JailError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure() }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure() }
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= maximumByteCount else {
                throw JailError("mountinfo", "the instance has more mounts than we look at")
            }
        }
        return bytes
    }

    /// Some thousands of mounts; an instance has some dozens.
    private static let maximumByteCount = 1 << 20
}
