/// Reads something that takes a while for all who ask at the same time: one reading at a time, and whoever asks while
/// one is under way gets the next.
///
/// So nobody gets what is older than his question, and however many ask, they cost two readings at most.
package actor SharedReading<Value: Sendable> {
    private let read: @Sendable () async throws -> Value
    private var current: Task<Value, any Error>?
    /// Begins when the current one has ended.
    private var next: Task<Value, any Error>?

    /// - Parameter read: Reads it as it is now.
    package init(_ read: @escaping @Sendable () async throws -> Value) {
        self.read = read
    }

    /// What is read after this was called.
    ///
    /// - Throws: What the reading threw, for all who share it.
    package func value() async throws -> Value {
        if let next { return try await next.value }
        let task: Task<Value, any Error>
        if let current {
            task = Task {
                _ = await current.result
                (self.current, next) = (next, nil)
                return try await readAlone()
            }
            next = task
        } else {
            task = Task { try await readAlone() }
            current = task
        }
        return try await task.value
    }

    private func readAlone() async throws -> Value {
        // If somebody waits for the next one, that takes this one's place.
        defer { if next == nil { current = nil } }
        return try await read()
    }
}
