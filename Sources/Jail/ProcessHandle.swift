internal import CJail
internal import Glibc

/// A process of this host that cannot be taken for another one of the same number (pidfd_open(2)).
package final class ProcessHandle: Sendable {
    private let descriptor: CInt

    /// - Parameter processID: As this host numbers it; nil when there is none, or it is no program's.
    package init?(_ processID: Int32) {
        guard processID > 1 else { return nil }
        descriptor = cjail_process(processID)
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        close(descriptor)
    }

    package func kill() {
        _ = cjail_kill(descriptor)
    }

    package func signal(_ signal: CInt) {
        _ = cjail_signal(descriptor, signal)
    }

    /// To the group that the process leads, also when it has ended itself.
    ///
    /// - Returns: 0, or why not: `ESRCH` when there is no such group, `EINVAL` when the kernel cannot (before 6.9).
    package func signalGroup(_ signal: CInt) -> CInt {
        cjail_signal_group(descriptor, signal)
    }
}
