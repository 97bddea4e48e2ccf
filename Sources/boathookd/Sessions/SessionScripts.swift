import Agent
import Glibc

/// Scripts of ours that the container's own shell runs, before what was asked for.
struct SessionScripts {
    let door: SSHDoorFile

    /// Runs one to its end.
    ///
    /// - Parameters:
    ///   - script: For `/bin/sh`.
    ///   - arguments: From `$1` on.
    ///   - input: What it reads.
    /// - Returns: How it ended, and the beginning of what it wrote.
    /// - Throws: ``SessionError`` when the container cannot be entered.
    func run(
        _ script: String, _ arguments: [String], input: [UInt8] = []
    ) throws(SessionError) -> (status: Int32, output: [UInt8]) {
        let execution = try SessionExecution(
            ["/bin/sh", "-c", script, "sh"] + arguments, environment: [], in: door,
            hasTerminal: false)
        defer { close(execution.connection) }
        var rest = input[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                write(execution.connection, $0.baseAddress, $0.count)
            }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        shutdown(execution.connection, CInt(SHUT_WR))
        var frames = FrameReader()
        var output: [UInt8] = []
        var bytes = execution.beginning
        var buffer = [UInt8](repeating: 0, count: 65_536)
        repeat {
            frames.take(bytes) { stream, piece in
                // What the container writes is bounded here, because it is ours to keep.
                if stream == 1, output.count + piece.count < 4096 { output += piece }
            }
            let count = read(execution.connection, &buffer, buffer.count)
            bytes = Array(buffer[..<max(0, count)])
        } while !bytes.isEmpty
        return (try execution.endStatus(), output)
    }
}
