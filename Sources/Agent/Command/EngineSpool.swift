internal import AgentLink
internal import ContainerEngine
internal import Jail

/// The spool of what an engine hands over piece by piece.
actor EngineSpool {
    typealias Pieces = AsyncThrowingStream<(EngineProcess.Stream, [UInt8]), any Error>

    /// Why no more is taken, though there may be more.
    enum Stop: Sendable {
        case outputLimit, timedOut, cancelled
        /// The engine broke it off.
        case brokenOff(any Error)
        /// This machine's disk took no more.
        case notKept(SpoolError)
    }

    private var spool: OutputSpool
    private let limit: Int64
    private var byteCount: Int64 = 0
    /// One for each stream; nil when everything passes.
    private var filters: (stdout: LineFilter, stderr: LineFilter)?

    /// - Parameters:
    ///   - spool: Gets the bytes.
    ///   - limit: The most bytes.
    ///   - filter: What a line must contain; nil for every line.
    init(_ spool: consuming OutputSpool, limit: Int64, filter: String? = nil) {
        self.spool = spool
        self.limit = limit
        filters = filter.map { (LineFilter($0), LineFilter($0)) }
    }

    /// Takes what comes, until it ends, its time is over, or somebody wishes that it end.
    ///
    /// - Parameters:
    ///   - pieces: What comes.
    ///   - wallTime: For how long.
    ///   - cancellation: Ends it.
    /// - Returns: Nil when it came to its end, or the task was cancelled.
    nonisolated func take(
        _ pieces: Pieces, wallTime: Duration, cancellation: JailCancellation
    ) async -> Stop? {
        await withTaskGroup(of: Stop?.self) { group in
            group.addTask { await self.take(pieces) }
            group.addTask {
                do { try await Task.sleep(for: wallTime) } catch { return nil }
                return .timedOut
            }
            group.addTask {
                await cancellation.waitUntilCancelled()
                return cancellation.isCancelled ? .cancelled : nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    func counts() -> SpoolCounts { SpoolCounts(spool, flushes: false) }

    private func take(_ pieces: Pieces) async -> Stop? {
        do {
            for try await (stream, bytes) in pieces {
                guard try append(stream, passed(stream, bytes)) else { return .outputLimit }
            }
            for stream in [EngineProcess.Stream.stdout, .stderr] {
                guard try append(stream, endOfLine(stream)) else { return .outputLimit }
            }
            return nil
        } catch is CancellationError {
            return nil
        } catch let error as SpoolError {
            return .notKept(error)
        } catch {
            return .brokenOff(error)
        }
    }

    private func passed(_ stream: EngineProcess.Stream, _ bytes: [UInt8]) -> [UInt8] {
        guard filters != nil else { return bytes }
        switch stream {
        case .stdout: return filters?.stdout.passing(bytes) ?? []
        case .stderr: return filters?.stderr.passing(bytes) ?? []
        }
    }

    /// What is left of a last line without an end.
    private func endOfLine(_ stream: EngineProcess.Stream) -> [UInt8] {
        switch stream {
        case .stdout: filters?.stdout.end() ?? []
        case .stderr: filters?.stderr.end() ?? []
        }
    }

    /// Whether there may be more.
    private func append(_ stream: EngineProcess.Stream, _ bytes: [UInt8]) throws -> Bool {
        let allowed = bytes.prefix(Int(min(Int64(bytes.count), limit - byteCount)))
        if !allowed.isEmpty {
            try allowed.withUnsafeBytes {
                try spool.append(stream == .stdout ? .stdout : .stderr, $0)
            }
            byteCount += Int64(allowed.count)
        }
        return allowed.count == bytes.count
    }
}
