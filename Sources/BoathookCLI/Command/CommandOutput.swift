internal import NIOCore
internal import VastAPI

/// An ended command's output on this process's own streams, and its status.
struct CommandOutput {
    let client: APIClient
    let row: CommandRow

    /// Writes both streams whole, and says on standard error what the output alone would hide.
    func write() async throws {
        try await write(row.stdout, row.stdoutBytes, "stdout", to: .output)
        try await write(row.stderr, row.stderrBytes, "stderr", to: .error)
        writeRemark()
    }

    /// What a person should know beside the output, if anything.
    func writeRemark() {
        if let remark { StandardStreams.complain("boathook: \(remark)") }
    }

    private func write(
        _ text: String?, _ count: Int64?, _ name: String, to stream: StandardStreams.Stream
    ) async throws {
        guard let count, count > 0 else { return }
        if let text {
            try StandardStreams.writeForeign(Array(text.utf8), to: stream)
            return
        }
        // Long, or not UTF-8.
        try await client.download("\(APIPath.commandOutput(row.id))?stream=\(name)") { buffer in
            try StandardStreams.writeForeign(Array(buffer.readableBytesView), to: stream)
        }
    }

    private var remark: String? {
        let note = row.note.map { ": \($0)" } ?? ""
        switch row.state {
        case "exited": return row.complete == false ? "the output is not complete\(note)" : nil
        default: return "command \(row.id) \(row.state.replacing("_", with: " "))\(note)"
        }
    }

    /// See `boathook --help`.
    static func exitCode(of row: CommandRow) -> Int32 {
        switch row.state {
        case "exited": Int32(clamping: row.exitCode ?? 0)
        case "signalled": 128 + Int32(clamping: row.signal ?? 0)
        case "timed_out": 124
        case "cancelled": 130
        case "lost": 126
        default: 125
        }
    }
}
