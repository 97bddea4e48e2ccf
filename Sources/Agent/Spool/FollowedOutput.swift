internal import AgentLink
internal import NIOConcurrencyHelpers

/// A command's output as frames, from a byte of the output on, while it is written: what one follower gets.
///
/// Ends when the tool has ended and all is read, or after ``stop()``. When nothing is written for a while, an
/// empty frame is a sign of life.
package final class FollowedOutput: AsyncSequence, Sendable {
    package typealias Element = [UInt8]

    /// Which start of the tool it is of.
    package let run: String
    private let live: LiveOutput
    private let file: SpoolFile?
    private let offset: Int64
    private let isStopped = NIOLockedValueBox(false)

    private init(live: LiveOutput, extent: LiveOutput.Extent, offset: Int64) {
        self.live = live
        file = extent.file
        run = extent.run
        self.offset = offset
    }

    /// Waits for the tool's start.
    ///
    /// - Parameters:
    ///   - live: The command's.
    ///   - offset: How many bytes of the output the follower has.
    /// - Returns: Nil when the command ended without a start, or the server has its output.
    static func of(_ live: LiveOutput, from offset: Int64) async -> FollowedOutput? {
        let changes = live.changes()
        var extent = live.extent
        if extent.file == nil, !extent.isEnded {
            for await _ in changes {
                extent = live.extent
                if extent.file != nil || extent.isEnded { break }
            }
        }
        guard extent.file != nil else { return nil }
        return FollowedOutput(live: live, extent: extent, offset: offset)
    }

    /// Nobody reads any more.
    package func stop() {
        isStopped.withLockedValue { $0 = true }
        live.wakeWatchers()
    }

    package func makeAsyncIterator() -> AsyncThrowingStream<[UInt8], any Error>.Iterator {
        let cursor = Cursor(file: file, offset: offset)
        return AsyncThrowingStream(unfolding: { [self] in
            while true {
                let changes = live.changes()
                let extent = live.extent
                // Another start of the tool has another file.
                if isStopped.withLockedValue({ $0 }) || extent.run != run { return nil }
                if let bytes = try await cursor.next(upTo: extent.byteCount) { return bytes }
                if extent.isEnded || Task.isCancelled { return nil }
                guard await Self.isChange(changes) else {
                    return OutputFrame.head(stream: .stdout, count: 0)
                }
            }
        }).makeAsyncIterator()
    }

    /// Whether a change came before it was time for a sign of life.
    private static func isChange(_ changes: AsyncStream<Void>) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in changes { break }
                return true
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(LinkProtocol.heartbeatSeconds))
                return Task.isCancelled
            }
            defer { group.cancelAll() }
            return await group.next() ?? true
        }
    }

    /// Where the reading stands, in bytes of the file.
    private actor Cursor {
        private let file: SpoolFile?
        private var reader: SpoolReader?
        private var position = 0
        /// Bytes of output that are still to be passed over.
        private var skip: Int64

        init(file: SpoolFile?, offset: Int64) {
            self.file = file
            skip = offset
        }

        /// The next bytes, as whole frames; nil when all is read.
        func next(upTo end: Int) throws -> [UInt8]? {
            guard let file else { return nil }
            if reader == nil { reader = SpoolReader(file) }
            guard let reader else { throw SpoolError("open", 0) }
            // First a part of the frame in which the follower's byte lies.
            while skip > 0, position < end {
                let (stream, count) = try head(reader, at: position)
                let start = position + OutputFrame.headByteCount
                position = start + count
                let passed = Int(Swift.min(skip, Int64(count)))
                skip -= Int64(passed)
                if passed < count {
                    let bytes = try bytes(reader, count - passed, at: start + passed)
                    return OutputFrame.head(stream: stream, count: count - passed) + bytes
                }
            }
            // Then as many whole frames as make a good piece: tools write line by line.
            var next = position
            while next < end, next - position < Self.pieceByteCount {
                next += OutputFrame.headByteCount + (try head(reader, at: next)).count
            }
            guard next > position else { return nil }
            defer { position = next }
            return try bytes(reader, next - position, at: position)
        }

        private func head(
            _ reader: SpoolReader, at offset: Int
        ) throws -> (stream: OutputFrame.Stream, count: Int) {
            guard let head = reader.head(at: offset) else { throw SpoolError("read", 0) }
            return head
        }

        private func bytes(_ reader: SpoolReader, _ count: Int, at offset: Int) throws -> [UInt8] {
            guard let bytes = reader.read(count, at: offset) else { throw SpoolError("read", 0) }
            return bytes
        }

        private static let pieceByteCount = 1 << 16
    }
}
