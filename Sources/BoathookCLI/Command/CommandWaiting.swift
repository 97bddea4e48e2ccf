internal import Glibc
internal import VastAPI

/// Gives a command, and waits for its end.
struct CommandWaiting: Sendable {
    let client: APIClient
    /// Whether what the command writes is written here meanwhile.
    let follows: Bool
    /// What this process is told by its signals.
    let interrupts: Interrupts
    /// Whether the command is of no use once what it writes cannot be written here.
    var endsUnread = false
    /// How long an interrupted command may take to end before anything is said about it.
    var noticePause = Duration.seconds(1)
    /// Tells whoever interrupts.
    var tell: @Sendable (String) -> Void = { StandardStreams.complain("boathook: \($0)") }
    /// Ends the process: a write to a pipe from which nobody reads cannot be cancelled.
    var leave: @Sendable (ClientError) -> Void = { error in
        StandardStreams.complain(error.description)
        exit(error.exitCode)
    }

    private enum Event: Sendable {
        case given(Int64, CommandRow?)
        case ended(CommandRow)
        case interrupted
        case notice
        case cancelled
    }

    /// An interrupt cancels the command, whose end then tells what came of that; another one, once it was said that this
    /// is possible, leaves it alone.
    ///
    /// - Parameter order: Gives the command: its id, and what is known of it already.
    /// - Returns: The command as it ended.
    /// - Throws: What `order` throws; ``ClientError`` when the end cannot be learnt.
    func end(
        of order: @escaping @Sendable () async throws -> (Int64, CommandRow?)
    ) async throws -> CommandRow {
        try await withThrowingTaskGroup(of: Event.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                let (id, row) = try await order()
                return .given(id, row)
            }
            group.addTask { await interruption() }
            var id: Int64?
            var isInterrupted = false
            var isTold = false
            while let event = try await group.next() {
                switch event {
                case .given(let given, let row):
                    id = given
                    group.addTask { .ended(try await settled(given, row)) }
                    if isInterrupted { group.addTask { await cancel(given) } }
                case .interrupted:
                    guard !isTold else {
                        leave(left(id))
                        throw left(id)
                    }
                    group.addTask { await interruption() }
                    guard !isInterrupted else { continue }
                    isInterrupted = true
                    if let id { group.addTask { await cancel(id) } }
                    group.addTask {
                        try await Task.sleep(for: noticePause)
                        return .notice
                    }
                case .notice:
                    isTold = true
                    let what =
                        id.map { "cancelling command \($0)" } ?? "the order is not answered yet"
                    tell("\(what); interrupt again to leave")
                case .cancelled: continue
                case .ended(let row): return row
                }
            }
            throw CancellationError()
        }
    }

    private func interruption() async -> Event {
        await interrupts.next()
        return .interrupted
    }

    /// Whatever the answer is: the end tells more.
    private func cancel(_ id: Int64) async -> Event {
        let _: CancelReply? = try? await client.patiently(for: client.timing.absence) {
            try await client.delete(APIPath.command(id))
        }
        return .cancelled
    }

    private func left(_ id: Int64?) -> ClientError {
        ClientError(
            id.map {
                "command \($0) was accepted, and may not be cancelled yet; 'boathook show command \($0)' tells"
            }
                ?? "the command may have been accepted; 'boathook show commands' tells",
            exitCode: 126)
    }
}

extension CommandWaiting {
    private func settled(_ id: Int64, _ known: CommandRow?) async throws -> CommandRow {
        if follows { return try await followed(id) }
        var row = known
        do {
            while row?.final != true {
                row = try await client.patiently(for: client.timing.absence) {
                    try await client.get(APIPath.command(id), wait: Self.waitSeconds)
                }
            }
        } catch let error as ClientError {
            throw error.ending(
                with: 126, about: "command \(id) was accepted, but its end is not known")
        }
        guard let row else {
            throw ClientError("the server told nothing of the command", exitCode: 126)
        }
        return row
    }

    private func followed(_ id: Int64) async throws -> CommandRow {
        var streams = OwnStreams()
        do {
            return try await CommandFollower(client: client, commandID: id, isGivenHere: true)
                .follow(&streams)
        } catch let error as ClientError where error.exitCode == 74 {
            if endsUnread {
                let _: CancelReply? = try? await client.delete(APIPath.command(id))
            } else {
                StandardStreams.complain(
                    "boathook: command \(id) is not cancelled; 'boathook follow \(id)' shows it all"
                )
            }
            throw error
        }
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
}
