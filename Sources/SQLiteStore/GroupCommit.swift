internal import GRDB
internal import NIOConcurrencyHelpers

/// Writes of many callers in one transaction, so that they share one flush to the disk.
///
/// While one transaction is at work, callers queue up; the next one takes them all. A write that fails
/// undoes itself alone, by its savepoint. A caller returns when its transaction is durable.
/// Measured (toolchain.md, 5): 27,600 rows/s at 64 callers against 3,090 one by one.
final class GroupCommit: Sendable {
    private struct Write: Sendable {
        /// Does the write; gives what is to be done once it is durable.
        let perform: @Sendable (Database) throws -> @Sendable () -> Void
        let fail: @Sendable (any Error) -> Void
    }

    private struct State {
        var waiting: [Write] = []
        var isAtWork = false
    }

    private let pool: DatabasePool
    private let onFullDisk: @Sendable () -> Bool
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - pool: The database.
    ///   - onFullDisk: Called when the disk takes no more; whether the writes may be tried again.
    init(pool: DatabasePool, onFullDisk: @escaping @Sendable () -> Bool) {
        self.pool = pool
        self.onFullDisk = onFullDisk
    }

    /// Performs `body` in a transaction that may hold other callers' writes too.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            enqueue(
                Write(
                    perform: { db in
                        let value = try body(db)
                        return { continuation.resume(returning: value) }
                    },
                    fail: { continuation.resume(throwing: $0) }))
        }
    }

    private func enqueue(_ write: Write) {
        let starts = state.withLockedValue { state in
            state.waiting.append(write)
            defer { state.isAtWork = true }
            return !state.isAtWork
        }
        guard starts else { return }
        pool.asyncWriteWithoutTransaction { db in self.drain(db) }
    }

    private func drain(_ db: Database) {
        while let writes = takeWaiting() { commit(writes, db) }
    }

    private func takeWaiting() -> [Write]? {
        state.withLockedValue { state in
            guard !state.waiting.isEmpty else {
                state.isAtWork = false
                return nil
            }
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    private func commit(_ writes: [Write], _ db: Database) {
        // What becomes of each write; every one is told exactly once, whatever fails.
        var outcomes: [Result<@Sendable () -> Void, any Error>?] = writes.map { _ in nil }
        do {
            try db.inTransaction(.immediate) {
                for (index, write) in writes.enumerated() {
                    do {
                        var afterwards: (@Sendable () -> Void)?
                        try db.inSavepoint {
                            afterwards = try write.perform(db)
                            return .commit
                        }
                        outcomes[index] = afterwards.map { .success($0) }
                    } catch {
                        outcomes[index] = .failure(error)
                    }
                }
                return .commit
            }
        } catch {
            // Nothing of this transaction is in the database, or it did not even begin.
            for index in writes.indices {
                if case .failure = outcomes[index] { continue }
                outcomes[index] = .failure(error)
            }
        }
        // A full disk takes the whole transaction with it, and the others of it fail with other words.
        let isFull = outcomes.contains {
            if case .failure(let error) = $0 { Self.isFullDisk(error) } else { false }
        }
        let mayTryAgain = isFull && onFullDisk()
        var again: [Write] = []
        for (write, outcome) in zip(writes, outcomes) {
            switch outcome {
            case .success(let afterwards): afterwards()
            case .failure where mayTryAgain: again.append(write)
            case .failure(let error): write.fail(error)
            case nil: write.fail(DatabaseError(message: "the write came to no end"))
            }
        }
        if !again.isEmpty { commit(again, db) }
    }

    private static func isFullDisk(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        return error.resultCode == .SQLITE_FULL
            || error.extendedResultCode == .SQLITE_IOERR_SHMSIZE
    }
}
