internal import CJail
internal import Glibc
internal import NIOConcurrencyHelpers

/// Processes that did not die when they were killed: the kernel keeps them in a call that cannot be
/// interrupted.
///
/// They are collected when they have gone at last, so that no zombie stays.
final class StuckProcesses: Sendable {
    private let pidfds = NIOLockedValueBox<[CInt]>([])

    func add(_ pidfd: CInt) {
        pidfds.withLockedValue { $0.append(pidfd) }
    }

    /// Collects those that have gone.
    func collect() {
        pidfds.withLockedValue { pidfds in
            pidfds.removeAll { pidfd in
                var code: CInt = 0
                var signal: CInt = 0
                guard cjail_collect(pidfd, &code, &signal) != EAGAIN else { return false }
                close(pidfd)
                return true
            }
        }
    }
}
