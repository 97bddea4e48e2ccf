internal import FoundationEssentials
internal import VastAPI

/// Takes what a command writes.
protocol CommandStreams {
    mutating func write(_ bytes: [UInt8], to stream: StandardStreams.Stream) throws(ClientError)
    /// Nothing comes any more, or all of it again.
    mutating func finish() throws(ClientError)
}

/// This process's own streams.
struct OwnStreams: CommandStreams {
    private var output = ForeignOutput(to: .output)
    private var error = ForeignOutput(to: .error)

    mutating func write(_ bytes: [UInt8], to stream: StandardStreams.Stream) throws(ClientError) {
        switch stream {
        case .output: try output.write(bytes)
        case .error: try error.write(bytes)
        }
    }

    mutating func finish() throws(ClientError) {
        try output.finish()
        try error.finish()
    }
}

/// Writes what a command writes, while it does.
struct CommandFollower {
    let client: APIClient
    let commandID: Int64
    /// Whether this process has given the command, and knows that there is one.
    let isGivenHere: Bool

    /// Follows to the command's end, over as many connections as it takes.
    ///
    /// - Parameter streams: Get each byte once, but all of them again when the command was started anew.
    /// - Returns: The command as it ended.
    /// - Throws: ``ClientError`` when the server does not answer for long, or has no such output: with status 126 once it
    ///   is known that there is such a command, because its end then is not. With 74 when the output cannot be written.
    func follow(_ streams: inout some CommandStreams) async throws -> CommandRow {
        var lastID: String?
        var isKnown = isGivenHere
        var absence = Absence(limit: client.timing.absence)
        while true {
            do {
                let path = "\(APIPath.commandOutput(commandID))?follow=1"
                let events = try await client.events(path, lastID: lastID)
                isKnown = true
                var decoder = ServerSentEventDecoder()
                var hasComeBefore = false
                while let piece = try await events.next() {
                    let new = decoder.decode(piece)
                    // One sign of life may be all that there is; another one says that the connection holds.
                    if hasComeBefore || !new.isEmpty { absence.end() }
                    hasComeBefore = true
                    for event in new {
                        if event.name == "end" {
                            try streams.finish()
                            return try decoded(event)
                        }
                        try take(event, &streams)
                        lastID = event.name == "restarted" ? nil : event.id ?? lastID
                    }
                }
                throw ClientError("the answer ended before the command", mayPass: true)
            } catch let error as ClientError {
                guard error.mayPass, isKnown, absence.goesOn() else {
                    throw isKnown ? told(error) : error
                }
            }
            try await Task.sleep(for: client.timing.pause)
        }
    }

    /// A refusal is none any more once there is such a command.
    private func told(_ error: ClientError) -> ClientError {
        guard error.exitCode == 125 else { return error }
        return error.ending(with: 126, about: "command \(commandID) cannot be followed any more")
    }

    private func take(_ event: ServerSentEvent, _ streams: inout some CommandStreams) throws {
        switch event.name {
        case "stdout": try streams.write(bytes(of: event), to: .output)
        case "stderr": try streams.write(bytes(of: event), to: .error)
        case "restarted":
            try streams.finish()
            StandardStreams.complain(
                "boathook: command \(commandID) was started anew after a failure; its output begins again"
            )
        default: break
        }
    }

    private func bytes(of event: ServerSentEvent) throws -> [UInt8] {
        let data: [String: JSONValue] = try decoded(event)
        if let text = data["text"]?.string { return Array(text.utf8) }
        guard let text = data["base64"]?.string, let bytes = Data(base64Encoded: text) else {
            throw Self.foreign
        }
        return Array(bytes)
    }

    private func decoded<Value: Decodable>(_ event: ServerSentEvent) throws -> Value {
        guard let value = try? JSONDecoder().decode(Value.self, from: Data(event.data.utf8)) else {
            throw Self.foreign
        }
        return value
    }

    private static let foreign = ClientError(
        "the server sent an event that is none of Boathook's")
}
