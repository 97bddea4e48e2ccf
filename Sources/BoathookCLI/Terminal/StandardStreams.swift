internal import Glibc
internal import Synchronization

/// Standard output and error.
enum StandardStreams {
    enum Stream: Int32, Sendable {
        case output = 1
        case error = 2

        var isTerminal: Bool { isatty(rawValue) == 1 }

        /// Its columns; nil when it is no terminal, or does not say.
        var terminalWidth: Int? {
            var size = winsize()
            guard isTerminal, ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
                return nil
            }
            return Int(size.ws_col)
        }
    }

    /// A line of our own; what it quotes of elsewhere is made harmless on a terminal.
    static func print(_ line: String) throws(ClientError) {
        hasPrinted.store(true, ordering: .relaxed)
        let bytes = Array((line + "\n").utf8)
        try write(
            Stream.output.isTerminal ? TerminalText.escaped(bytes) : bytes, to: .output)
    }

    /// What the server answered to a verb that it refused, for a program that reads JSON: unless that program has got a
    /// document already, beside which there may be no other.
    static func printRefusal(_ error: ClientError) throws {
        // 126: what was asked for was accepted, and the end of it is not known.
        guard error.exitCode != 126, !hasPrinted.load(ordering: .relaxed), let reply = error.reply
        else { return }
        try print(try JSONText.of(reply))
    }

    /// A complaint of our own; what it quotes of elsewhere is made harmless.
    static func complain(_ line: String) {
        try? write(TerminalText.escaped(Array((line + "\n").utf8)), to: .error)
    }

    /// Part of a line of our own on standard error; whoever made it has made it harmless.
    static func writeProgress(_ text: String) {
        try? write(Array(text.utf8), to: .error)
    }

    /// Bytes as they are.
    static func write(_ bytes: [UInt8], to stream: Stream) throws(ClientError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.write(stream.rawValue, $0.baseAddress, $0.count)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw ClientError("cannot write: \(String(cString: strerror(errno)))", exitCode: 74)
            }
            rest = rest.dropFirst(count)
        }
    }

    private static let hasPrinted = Atomic(false)
}
