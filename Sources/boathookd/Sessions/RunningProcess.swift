import Glibc
import Jail

/// The process of an execution that still runs: it cannot be taken for another one of the same number.
struct RunningProcess {
    private let id: pid_t
    private let handle: ProcessHandle

    /// Nil when the execution is over.
    init?(_ execution: SessionExecution) {
        guard case .running(let number) = execution.state(), let handle = ProcessHandle(number),
            // The number was its own still when there was a handle of it.
            case .running(number) = execution.state()
        else { return nil }
        id = number
        self.handle = handle
    }

    /// To the process and what it has started without making a group of its own.
    func signalGroup(_ signal: CInt) {
        // The engine's runtime makes each execution the leader of a session (setsid(2)); a group that bears its
        // leader's number is that leader's.
        let problem = handle.signalGroup(signal)
        if problem == 0 { return }
        // An older kernel takes a number alone, which is somebody else's only if all ended since this look.
        if problem == EINVAL, getpgid(id) == id {
            Glibc.kill(-id, signal)
        } else {
            handle.signal(signal)
        }
    }

    func kill() {
        handle.kill()
    }

    /// proc_pid_status(5), "SigIgn".
    var ignoresHangUp: Bool {
        guard let file = fopen("/proc/\(id)/status", "re") else { return false }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, CInt(line.count), file) != nil {
            let text = line.withUnsafeBufferPointer {
                String(decoding: $0.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            }
            guard text.hasPrefix("SigIgn:") else { continue }
            let digits = text.dropFirst(7).filter(\.isHexDigit)
            return (UInt64(digits, radix: 16) ?? 0) & 1 << (UInt64(SIGHUP) - 1) != 0
        }
        return false
    }
}
