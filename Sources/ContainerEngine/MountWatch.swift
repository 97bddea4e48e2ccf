internal import Glibc

/// This process's table of mounts, and a way to wait until it changes (proc_pid_mountinfo(5)).
final class MountWatch {
    private let table: CInt

    init() throws(EngineError) {
        table = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)
        guard table >= 0 else { throw EngineError(.notHeld, "the table of mounts cannot be read") }
    }

    deinit {
        close(table)
    }

    /// The id of the overlay that is mounted at the path; nil when there is none.
    func overlayID(at path: String) -> Substring? {
        for line in text().split(separator: "\n") {
            let fields = line.split(separator: " ")
            // The engine's paths hold nothing that the table would escape.
            guard fields.count > 9, fields[4] == path, fields.contains("overlay") else { continue }
            return fields[0]
        }
        return nil
    }

    /// Returns true when the table changed or the other descriptor has something to read, false at the
    /// deadline.
    func waitForChange(or other: CInt, until deadline: ContinuousClock.Instant) throws(EngineError)
        -> Bool
    {
        let left = (deadline - .now) / .milliseconds(1)
        guard left > 0 else { return false }
        var entries = [
            pollfd(fd: table, events: Int16(POLLPRI), revents: 0),
            pollfd(fd: other, events: Int16(POLLIN), revents: 0),
        ]
        let count = poll(&entries, nfds_t(entries.count), CInt(left))
        return count > 0 || (count < 0 && errno == EINTR)
    }

    private func text() -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        lseek(table, 0, SEEK_SET)
        while true {
            let count = read(table, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
