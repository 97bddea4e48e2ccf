internal import VastAPI

/// An ended command's output on this process's own streams, and its status.
struct CommandOutput {
    let client: APIClient
    let row: CommandRow

    /// Writes both streams whole, and says on standard error what the output alone would hide.
    ///
    /// - Throws: ``ClientError``; with the server's 404 in it when the output is not kept any more.
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
        var output = ForeignOutput(to: stream)
        if let text {
            try output.write(text.utf8)
            try output.finish()
            return
        }
        // Long, or not UTF-8.
        try await OutputDownload(client: client, row: row)(name, count: count) {
            bytes throws(ClientError) in
            try output.write(bytes)
        }
        try output.finish()
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
