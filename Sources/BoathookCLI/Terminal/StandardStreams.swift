internal import Glibc

/// Standard output and error.
///
/// What comes from an instance is written as it is into pipes and files, and made harmless on a
/// terminal.
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

    /// Bytes from an instance.
    static func writeForeign(_ bytes: some Collection<UInt8>, to stream: Stream) throws(ClientError)
    {
        if stream.isTerminal {
            try write(TerminalText.escaped(Array(bytes)), to: stream)
        } else {
            try write(Array(bytes), to: stream)
        }
    }

    /// A line of our own.
    static func print(_ line: String) throws(ClientError) {
        try write(Array((line + "\n").utf8), to: .output)
    }

    /// A complaint of our own; what it quotes of elsewhere is made harmless.
    static func complain(_ line: String) {
        try? write(TerminalText.escaped(Array((line + "\n").utf8)), to: .error)
    }

    /// Part of a line of our own on standard error; whoever made it has made it harmless.
    static func writeProgress(_ text: String) {
        try? write(Array(text.utf8), to: .error)
    }

    private static func write(_ bytes: [UInt8], to stream: Stream) throws(ClientError) {
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
}
