internal import Glibc

/// A wish that a run end, from any thread, before or while it runs.
package final class JailCancellation: Sendable {
    /// Readable once the wish was made.
    private let pipe: Pipe

    package init() throws(JailError) {
        pipe = try Pipe()
    }

    deinit {
        pipe.closeReader()
        pipe.closeWriter()
    }

    var descriptor: CInt { pipe.reader }

    package func cancel() {
        guard !isCancelled else { return }
        var byte: UInt8 = 1
        write(pipe.writer, &byte, 1)
    }

    package var isCancelled: Bool {
        var entry = pollfd(fd: pipe.reader, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }
}
