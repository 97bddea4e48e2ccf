internal import NIOConcurrencyHelpers

/// Instances that were made, and whose makers are being told so by this process.
///
/// One that is not here, and of which no store says that its maker was told, was made for a caller who
/// never knew: the connection was lost, or the server ended in between.
final class OpenAnswers: Sendable {
    /// An answer is written at once, or never.
    private let patience: Duration
    private let since: NIOLockedValueBox<[Instance.ID: ContinuousClock.Instant]> = .init([:])

    init(patience: Duration) {
        self.patience = patience
    }

    func insert(_ id: Instance.ID) {
        since.withLockedValue { since in
            // An answer that nobody ever tried to write.
            since = since.filter { .now - $0.value < patience }
            since[id] = .now
        }
    }

    func remove(_ id: Instance.ID) {
        since.withLockedValue { _ = $0.removeValue(forKey: id) }
    }

    func contains(_ id: Instance.ID) -> Bool {
        since.withLockedValue { since in
            since[id].map { .now - $0 < patience } ?? false
        }
    }
}
