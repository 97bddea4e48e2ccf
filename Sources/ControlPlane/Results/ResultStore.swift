package import AgentLink

/// Where the outputs of commands are kept.
///
/// A result is put once and never changes.
package protocol ResultStore: Sendable {
    /// Keeps the output of a command, durably, as it comes in; nothing is held whole in memory. When
    /// the command has a result already, the old one stays and `frames` is read to its end.
    ///
    /// - Parameters:
    ///   - id: Of the command.
    ///   - frames: The series of ``OutputFrame``s, in pieces of any size.
    ///   - byteCount: The most bytes of output that are taken.
    /// - Returns: What was kept.
    /// - Throws: What `frames` throws, `OutputFrameDecoder.Malformed`, ``ResultTooLong``, or an error of the
    ///   storage; the command then has no result.
    func put(
        _ id: Command.ID, frames: some AsyncSequence<[UInt8], any Error> & Sendable,
        atMost byteCount: Int64
    ) async throws -> StoredResult
    /// The output of a command, or nil when there is none (any more).
    func open(_ id: Command.ID) async throws -> (any ResultReader)?
    /// Removes the bytes, durably; nothing happens where there are none.
    ///
    /// - Throws: ``ResultsNotDeleted``; all others of `ids` are gone then.
    func delete(_ ids: [Command.ID]) async throws(ResultsNotDeleted)
    /// The commands that have bytes here, in any order, page by page; what comes and goes meanwhile may be in it or not.
    func kept() -> AsyncThrowingStream<[Command.ID], any Error>
}

extension ResultStore {
    /// Removes the bytes of one result, durably; nothing happens when there are none.
    package func delete(_ id: Command.ID) async throws(ResultsNotDeleted) {
        try await delete([id])
    }
}

/// Some results could not be removed, or would be back after a loss of power.
package struct ResultsNotDeleted: Error, Sendable {
    package var ids: Set<Command.ID>
    /// Why the first of them could not.
    package var reason: any Error

    package init(ids: Set<Command.ID>, reason: any Error) {
        self.ids = ids
        self.reason = reason
    }
}

/// An output has more bytes than are taken, or its streams take turns too often (`OutputFrame.maximumRunCount`).
package struct ResultTooLong: Error, Sendable, Hashable {
    package init() {}
}

/// What a result store holds for one command.
package struct StoredResult: Sendable, Hashable {
    package var stdoutBytes: Int64
    package var stderrBytes: Int64
    /// Of both streams in their order of arrival; lower-case hexadecimal.
    package var sha256: String

    package init(stdoutBytes: Int64, stderrBytes: Int64, sha256: String) {
        self.stdoutBytes = stdoutBytes
        self.stderrBytes = stderrBytes
        self.sha256 = sha256
    }
}

/// One open result.
package protocol ResultReader: Sendable {
    /// Bytes of both streams together.
    var byteCount: Int64 { get }
    /// The bytes of the range, in order of arrival, piece by piece.
    func bytes(in range: Range<Int64>) -> AsyncThrowingStream<[UInt8], any Error>
    /// All bytes from an offset on, each piece of one stream.
    func pieces(from offset: Int64) -> AsyncThrowingStream<OutputPiece, any Error>
    /// All bytes of one stream, piece by piece.
    func bytes(of stream: OutputFrame.Stream) -> AsyncThrowingStream<[UInt8], any Error>
    /// The first bytes of one stream, at most `limit`.
    func prefix(of stream: OutputFrame.Stream, limit: Int) async throws -> [UInt8]
}
