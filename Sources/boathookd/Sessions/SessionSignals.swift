import Glibc

/// The signals that a login gets, as bytes in a pipe that can be waited for beside other things.
struct SessionSignals {
    /// Readable when one has come.
    let descriptor: CInt

    /// - Throws: ``SessionError`` when there are no descriptors left.
    init() throws(SessionError) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw SessionError("too many descriptors are open on this machine")
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        descriptor = ends[0]
        signalPipe = ends[1]
        for number in [SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGWINCH] {
            signal(number) { number in
                // All that may be done here (signal-safety(7)); a full pipe tells as much.
                let before = errno
                var byte = UInt8(number)
                _ = write(signalPipe, &byte, 1)
                errno = before
            }
        }
        signal(SIGPIPE, SIG_IGN)
    }

    /// Takes what has come: whether the terminal's size has changed, and whether the login is to end.
    func take() -> (resized: Bool, ended: Bool) {
        var taken = (resized: false, ended: false)
        var number: UInt8 = 0
        while read(descriptor, &number, 1) == 1 {
            if CInt(number) == SIGWINCH { taken.resized = true } else { taken.ended = true }
        }
        return taken
    }
}

/// Set once, before the first handler is installed, and only read afterwards: a handler may not take a lock
/// (signal-safety(7)).
nonisolated(unsafe) private var signalPipe: CInt = -1
