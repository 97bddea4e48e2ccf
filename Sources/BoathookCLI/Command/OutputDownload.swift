internal import NIOCore
internal import VastAPI

/// Brings one stream of an ended command here, whole, over as many connections as it takes.
struct OutputDownload {
    let client: APIClient
    let row: CommandRow

    /// - Parameters:
    ///   - name: `stdout` or `stderr`.
    ///   - count: How many bytes the stream has.
    ///   - write: Gets each byte once, in order.
    /// - Throws: What `write` throws, or ``ClientError``: with status 126, because the command has run.
    func callAsFunction(
        _ name: String, count: Int64,
        write: (ByteBufferView) throws(ClientError) -> Void
    ) async throws {
        var written: Int64 = 0
        var absence = Absence(limit: client.timing.absence)
        while written < count {
            let failure: ClientError
            do {
                let (start, body) = try await client.download(
                    path(name, count), from: written, tag: row.sha256.map { "\"\($0)\"" })
                var position = start
                while let piece = try await body.next() {
                    // What was written already comes again where the server gives no part.
                    let news = piece.readableBytesView.dropFirst(Int(clamping: written - position))
                    position += Int64(piece.readableBytes)
                    guard !news.isEmpty else { continue }
                    try write(news)
                    written += Int64(news.count)
                    absence.end()
                }
                guard written < count else { return }
                failure = ClientError("it ended after \(position) bytes", mayPass: true)
            } catch let error as ClientError where error.exitCode == 125 {
                failure = error
            }
            guard failure.mayPass, absence.goesOn() else {
                throw failure.ending(
                    with: 126,
                    about: "command \(row.id) has ended, but not all of its output can be had")
            }
            try await Task.sleep(for: client.timing.pause)
        }
    }

    /// Where the other stream is empty, the output is this one, and parts of it can be had.
    private func path(_ name: String, _ count: Int64) -> String {
        let path = APIPath.commandOutput(row.id)
        return row.outputBytes == count ? path : "\(path)?stream=\(name)"
    }
}
