internal import UnixSignals
internal import VastAPI

/// Waits for the end of a command that is given by this process.
struct CommandWaiting {
    private let client: APIClient
    private let follows: Bool
    private let interrupts: UnixSignalsSequence

    /// From here on an interrupt is heard, though it cancels nothing before there is a command.
    ///
    /// - Parameters:
    ///   - client: The server.
    ///   - follows: Whether what the command writes is written here meanwhile.
    init(client: APIClient, follows: Bool) async {
        self.client = client
        self.follows = follows
        interrupts = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    }

    /// An interrupt cancels the command; its end then tells what came of that.
    ///
    /// - Parameters:
    ///   - id: The command.
    ///   - row: What is known of it already.
    /// - Returns: The command as it ended.
    /// - Throws: ``ClientError`` when its end cannot be learnt.
    func end(of id: Int64, _ row: CommandRow?) async throws -> CommandRow {
        try await withThrowingTaskGroup(of: CommandRow?.self) { group in
            group.addTask { try await settled(id, row) }
            group.addTask {
                for await _ in interrupts {
                    let _: CancelReply? = try? await client.delete(APIPath.command(id))
                }
                return nil
            }
            while let row = try await group.next() {
                guard let row else { continue }
                group.cancelAll()
                return row
            }
            throw CancellationError()
        }
    }

    private func settled(_ id: Int64, _ known: CommandRow?) async throws -> CommandRow {
        if follows {
            return try await CommandFollower(client: client, commandID: id, isGivenHere: true)
                .follow()
        }
        var row = known
        do {
            while row?.final != true {
                row = try await client.patiently(for: Self.patience) {
                    try await client.get(APIPath.command(id), wait: Self.waitSeconds)
                }
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw ClientError(
                "command \(id) was accepted, but its end is not known: \(error)", exitCode: 126)
        }
        guard let row else {
            throw ClientError("the server told nothing of the command", exitCode: 126)
        }
        return row
    }

    /// One order, however often it must be sent.
    static func idempotencyKey() -> String {
        "boathook-\(UInt64.random(in: .min ... .max))-\(UInt64.random(in: .min ... .max))"
    }

    /// How long the order itself waits for the command's end; until it is answered, there is no id that
    /// an interrupt could cancel.
    static let firstWaitSeconds = 1
    /// How long each later request waits.
    private static let waitSeconds = 30
    /// How long the server may be away while a command runs.
    private static let patience = Duration.seconds(60)
}
