internal import AgentLink
internal import AsyncAlgorithms
internal import NIOConcurrencyHelpers
internal import ServiceLifecycle

/// A caller reads a command's output while it is written, from any byte on, to the command's end.
package struct FollowOutput: Sendable {
    /// What a follower gets, in this order: `run`, any number of `piece` and `waiting`, and then one of the
    /// last two, unless the call throws.
    package enum Event: Sendable {
        /// Which start of the tool the output is of, to be given when following goes on later; and how many
        /// bytes of it the caller has.
        case run(String, from: Int64)
        /// The next bytes, and how many there are of the output with them.
        case piece(OutputPiece, end: Int64)
        /// Nothing was written for a while.
        case waiting
        /// The tool was started anew, and what was read so far is not the beginning of what it writes now.
        case restarted
        /// The command has ended, and this was all of its output.
        case ended(Command)
    }

    private let access: CommandAccess
    private let result: CommandResult
    private let dispatcher: Dispatcher
    private let relays: OutputRelays
    private let bell: CompletionBell

    package init(
        access: CommandAccess, result: CommandResult, dispatcher: Dispatcher, relays: OutputRelays,
        bell: CompletionBell
    ) {
        self.access = access
        self.result = result
        self.dispatcher = dispatcher
        self.relays = relays
        self.bell = bell
    }

    /// Says that there is nothing to follow, or no room for one more who does, while it can still be said with
    /// a status.
    ///
    /// - Throws: ``ControlPlaneError/Code/commandNotFound``, ``ControlPlaneError/Code/queueFull``; what the
    ///   stores throw.
    package func check(_ id: Command.ID, as principal: Principal) async throws {
        let command = try await access.command(id, as: principal)
        if command.state.isTerminal {
            guard try await result.final(command) != nil else { throw Self.gone }
        } else {
            try relays.checkRoom(command.machineID, for: command.accountID)
        }
    }

    /// - Parameters:
    ///   - id: Of the command.
    ///   - offset: How many bytes of the output the caller has.
    ///   - run: Of which start of the tool they are; nil when there are none.
    ///   - principal: Who asks.
    ///   - take: Gets what there is, at the caller's own pace.
    /// - Throws: ``ControlPlaneError/Code/commandNotFound``, also when the output is not kept any more;
    ///   ``ControlPlaneError/Code/queueFull``; what the stores and `take` throw.
    package func callAsFunction(
        _ id: Command.ID, from offset: Int64, run: String?, as principal: Principal,
        _ take: (Event) async throws -> Void
    ) async throws {
        var reading = Reading(position: offset, run: run)
        while true {
            let place = bell.place(for: id)
            let command = try await access.command(id, as: principal)
            if command.state.isTerminal {
                try await finish(command, &reading, take)
                return
            }
            guard try await relay(command, &reading, take) else { return }
            // It ended, or its machine is away or has not taken it yet.
            try await take(.waiting)
            _ = await place.wait(atMost: Self.pause)
            try Task.checkCancellation()
            if Task.isShuttingDownGracefully { throw CancellationError() }
        }
    }

    private struct Reading {
        var position: Int64
        var run: String?
        private var isAnnounced = false

        init(position: Int64, run: String?) {
            self.position = position
            self.run = run
        }

        /// Whether `run` goes on with what was read so far; says so once.
        mutating func goesOn(
            with run: String, _ take: (Event) async throws -> Void
        ) async throws -> Bool {
            guard self.run == nil || self.run == run else {
                try await take(.restarted)
                return false
            }
            self.run = run
            if !isAnnounced { try await take(.run(run, from: position)) }
            isAnnounced = true
            return true
        }
    }

    /// What is left, from the result that is kept.
    private func finish(
        _ command: Command, _ reading: inout Reading, _ take: (Event) async throws -> Void
    ) async throws {
        guard let final = try await result.final(command) else {
            throw Self.gone
        }
        if let run = command.startedAt.map(CommandFinished.run(startedAt:)) {
            guard try await reading.goesOn(with: run, take) else { return }
        }
        guard reading.position <= final.reader.byteCount else {
            // The machine's disk did not keep all that was shown.
            try await take(.restarted)
            return
        }
        for try await piece in final.reader.pieces(from: reading.position) {
            reading.position += Int64(piece.bytes.count)
            try await take(.piece(piece, end: reading.position))
        }
        try await take(.ended(command))
    }

    /// What its machine sends until it stops; whether there may be more.
    private func relay(
        _ command: Command, _ reading: inout Reading,
        _ take: (Event) async throws -> Void
    ) async throws -> Bool {
        let relay = try relays.open(command.machineID, for: command.accountID)
        defer { relays.close(relay) }
        let wish = SendOutput(
            relayID: relay.id, commandID: command.id, offset: reading.position)
        guard dispatcher.askForOutput(wish, of: command.machineID) else { return true }
        let heard = NIOLockedValueBox(ContinuousClock.now)
        // A machine that says nothing may have gone; a command that has ended is read from its result.
        let watch = Task { [result, relays] in
            // A shutdown does not wait for those who follow.
            await cancelWhenGracefulShutdown {
                while heard.withLockedValue({ .now - $0 < Self.silence }), !Task.isCancelled {
                    let seen = try? await result.settled(command.id, atMost: Self.silence / 6)
                    if seen?.state.isTerminal != false { break }
                }
            }
            // Also a follower who does not read lets go of the machine's file then.
            relays.close(relay)
        }
        defer { watch.cancel() }
        for await element in relay.channel {
            heard.withLockedValue { $0 = .now }
            switch element {
            case .run(let run):
                guard try await reading.goesOn(with: run, take) else { return false }
            case .piece(let piece):
                reading.position += Int64(piece.bytes.count)
                try await take(.piece(piece, end: reading.position))
            case .alive:
                try await take(.waiting)
            }
        }
        try Task.checkCancellation()
        return true
    }

    /// How long a machine may send nothing, not even a sign of life.
    private static let silence = Duration.seconds(30)
    private static let pause = Duration.milliseconds(500)
    private static let gone = ControlPlaneError(
        .commandNotFound, "The output is not kept any more.")
}
