internal import Glibc

/// The process's standard error.
package enum StandardError {
    /// Writes a line in one call, as long as the system takes it so.
    ///
    /// A failure has nobody to be told to.
    package static func write(_ line: String) {
        var rest = Array(line.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
            }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno == EAGAIN {
                // Whoever started the process may share the description, and have made it non-blocking.
                var wait = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
                guard poll(&wait, 1, -1) >= 0 || errno == EINTR else { return }
            } else if count == 0 || errno != EINTR {
                return
            }
        }
    }
}
