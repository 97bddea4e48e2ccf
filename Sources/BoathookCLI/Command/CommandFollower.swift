internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import VastAPI

/// Writes what a command writes, while it does, to this process's own streams.
struct CommandFollower {
    let client: APIClient
    let commandID: Int64
    /// Whether this process has given the command, and knows that there is one.
    let isGivenHere: Bool

    /// Follows to the command's end, over as many connections as it takes.
    ///
    /// - Returns: The command as it ended.
    /// - Throws: ``ClientError`` when the server does not answer for long, or has no such output: with status 126 once it
    ///   is known that there is such a command, because its end then is not.
    func follow() async throws -> CommandRow {
        var lastID: String?
        var heard = ContinuousClock.now
        var isKnown = isGivenHere
        while true {
            do {
                let path = "\(APIPath.commandOutput(commandID))?follow=1"
                var decoder = ServerSentEventDecoder()
                let events = try await client.events(path, lastID: lastID)
                isKnown = true
                for try await buffer in events {
                    heard = .now
                    for event in decoder.decode(buffer) {
                        if event.name == "end" {
                            return try JSONDecoder().decode(
                                CommandRow.self, from: Data(event.data.utf8))
                        }
                        try write(event)
                        lastID = event.name == "restarted" ? nil : event.id ?? lastID
                    }
                }
            } catch let error as ClientError where !error.mayPass {
                throw ClientError(error.description, exitCode: isKnown ? 126 : 125)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                guard isKnown else {
                    throw error as? ClientError
                        ?? ClientError(
                            "command \(commandID) cannot be followed: \(ConnectionFailure.words(for: error))"
                        )
                }
                guard .now - heard < Self.patience else {
                    let reason =
                        (error as? ClientError)?.description ?? ConnectionFailure.words(for: error)
                    throw ClientError(
                        "command \(commandID) cannot be followed any more: \(reason)",
                        exitCode: 126)
                }
            }
            try await Task.sleep(for: Self.pause)
        }
    }

    private func write(_ event: ServerSentEvent) throws {
        switch event.name {
        case "stdout": try StandardStreams.writeForeign(bytes(of: event), to: .output)
        case "stderr": try StandardStreams.writeForeign(bytes(of: event), to: .error)
        case "restarted":
            StandardStreams.complain(
                "boathook: command \(commandID) was started anew after a failure; its output begins again"
            )
        default: break
        }
    }

    private func bytes(of event: ServerSentEvent) throws -> [UInt8] {
        let data = try JSONDecoder().decode(JSONValue.self, from: Data(event.data.utf8)).object
        if let text = data?["text"]?.string { return Array(text.utf8) }
        guard let text = data?["base64"]?.string, let bytes = Data(base64Encoded: text) else {
            throw ClientError("the server sent an event that is none of Boathook's", exitCode: 126)
        }
        return Array(bytes)
    }

    /// How long the server may be away.
    private static let patience = Duration.seconds(60)
    private static let pause = Duration.milliseconds(300)
}
