/// What an instance writes, piece by piece, on one of this process's own streams.
///
/// Pipes and files get the bytes as they are; on a terminal they are made harmless.
struct ForeignOutput {
    private let stream: StandardStreams.Stream
    /// Nil where nobody looks.
    private var text: TerminalText?

    init(to stream: StandardStreams.Stream) {
        self.stream = stream
        text = stream.isTerminal ? TerminalText() : nil
    }

    /// Writes the next piece; the beginning of a character waits for the rest of it.
    mutating func write(_ bytes: some Collection<UInt8>) throws(ClientError) {
        try StandardStreams.write(text?.escaped(next: bytes) ?? Array(bytes), to: stream)
    }

    /// Writes what waits, when there are no more pieces.
    mutating func finish() throws(ClientError) {
        try StandardStreams.write(text?.escapedRest() ?? [], to: stream)
    }
}
