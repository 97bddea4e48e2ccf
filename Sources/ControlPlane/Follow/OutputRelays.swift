package import AgentLink
internal import AsyncAlgorithms
internal import NIOConcurrencyHelpers

/// One piece of a command's output, as it came.
package struct OutputPiece: Sendable, Hashable {
    package var stream: OutputFrame.Stream
    package var bytes: [UInt8]

    package init(stream: OutputFrame.Stream, bytes: [UInt8]) {
        self.stream = stream
        self.bytes = bytes
    }
}

/// Where agents that send the output of running commands meet those who follow it.
///
/// A relay holds one piece at most: an agent sends no faster than its follower reads, and reads from its own
/// disk, so that the command itself never waits for either.
package final class OutputRelays: Sendable {
    /// What passes through a relay.
    enum Element: Sendable {
        /// First: which start of the tool the output is of.
        case run(String)
        case piece(OutputPiece)
        /// Nothing was written for a while.
        case alive
    }

    /// One follower's meeting place.
    struct Relay: Sendable {
        let id: String
        let machine: Machine.ID
        /// Whose follower it is.
        let account: Account.ID
        let channel: AsyncChannel<Element>
        /// Ends when nobody reads any more.
        let closed: AsyncStream<Void>
        fileprivate let closing: AsyncStream<Void>.Continuation
        /// Whether an agent sends already; a second one would mix the bytes.
        fileprivate var isClaimed = false

        fileprivate init(machine: Machine.ID, account: Account.ID) {
            id = Secret().text
            self.machine = machine
            self.account = account
            channel = AsyncChannel()
            (closed, closing) = AsyncStream.makeStream(of: Void.self)
        }
    }

    private let relays: NIOLockedValueBox<[String: Relay]> = .init([:])

    package init() {}

    /// - Throws: ``ControlPlaneError/Code/queueFull`` when as many follow commands of this machine as may, or as many
    ///   of this account as one account may.
    func open(_ machine: Machine.ID, for account: Account.ID) throws -> Relay {
        let relay = Relay(machine: machine, account: account)
        try relays.withLockedValue { relays in
            try Self.checkRoom(machine, for: account, in: relays)
            relays[relay.id] = relay
        }
        return relay
    }

    /// - Throws: ``ControlPlaneError/Code/queueFull``, as ``open(_:for:)``.
    func checkRoom(_ machine: Machine.ID, for account: Account.ID) throws {
        try relays.withLockedValue { try Self.checkRoom(machine, for: account, in: $0) }
    }

    private static func checkRoom(
        _ machine: Machine.ID, for account: Account.ID, in relays: [String: Relay]
    ) throws {
        let others = relays.values.filter { $0.machine == machine }
        let whose =
            if others.count(where: { $0.account == account }) >= maximumPerAccount {
                "many of this account"
            } else if others.count >= maximumPerMachine {
                "many"
            } else { String?.none }
        guard let whose else { return }
        throw ControlPlaneError(
            .queueFull, "Too \(whose) follow commands of this machine; try again later.",
            retryAfter: 5)
    }

    /// Nobody reads any more, or nothing is to come: ends both sides.
    func close(_ relay: Relay) {
        relays.withLockedValue { $0[relay.id] = nil }
        relay.channel.finish()
        relay.closing.finish()
    }

    /// Passes on what an agent sends; returns when it has no more or nobody reads any more.
    ///
    /// - Throws: ``ControlPlaneError/Code/commandNotFound`` when there is no such relay for this machine;
    ///   ``ControlPlaneError/Code/agentRefused`` when the bytes are no frames; what `frames` throws.
    package func pass(
        _ id: String, run: String, frames: some AsyncSequence<[UInt8], any Error> & Sendable,
        from machine: Machine.ID
    ) async throws {
        let claimed = relays.withLockedValue { relays -> Relay? in
            guard let relay = relays[id], relay.machine == machine, !relay.isClaimed else {
                return nil
            }
            relays[id]?.isClaimed = true
            return relay
        }
        guard let relay = claimed else {
            throw ControlPlaneError(.commandNotFound, "Nobody reads this output.")
        }
        defer { relay.channel.finish() }
        await relay.channel.send(.run(run))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await Self.pump(frames, into: relay.channel) }
            // A tool that writes nothing would keep us until its next sign of life.
            group.addTask { for await _ in relay.closed {} }
            try await group.next()
            group.cancelAll()
        }
    }

    private static func pump(
        _ frames: some AsyncSequence<[UInt8], any Error>, into channel: AsyncChannel<Element>
    ) async throws {
        var decoder = OutputFrameDecoder()
        for try await bytes in frames {
            var pieces: [OutputPiece] = []
            do {
                try decoder.decode(bytes[...]) { stream, bytes in
                    // Neighbours of one stream pass as one: tools write line by line.
                    if pieces.last?.stream == stream {
                        pieces[pieces.count - 1].bytes += bytes
                    } else {
                        pieces.append(OutputPiece(stream: stream, bytes: Array(bytes)))
                    }
                }
            } catch {
                throw ControlPlaneError(.agentRefused, "The output is not a series of frames.")
            }
            if pieces.isEmpty { await channel.send(.alive) }
            for piece in pieces { await channel.send(.piece(piece)) }
        }
    }

    static let maximumPerMachine = 64
    /// So that no account keeps the others from it.
    static let maximumPerAccount = 16
}
