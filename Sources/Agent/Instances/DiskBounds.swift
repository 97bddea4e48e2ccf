internal import ContainerEngine
internal import Logging
internal import NIOConcurrencyHelpers

/// Whether the engine bounds what an instance writes.
///
/// Only it knows: `docker info` has nothing of project quotas, and tries them out when it starts. So it is asked with the
/// container that is made, and refuses before it has made anything (30 to 60 ms). It is not asked again for a while,
/// which is short enough for a machine whose disk was mounted anew with quotas.
final class DiskBounds: Sendable {
    private let logger: Logger
    /// When it may be asked again.
    private let next: NIOLockedValueBox<ContinuousClock.Instant?> = .init(nil)

    init(logger: Logger) {
        self.logger = logger
    }

    /// Whether it has not refused lately.
    var areAskedFor: Bool {
        next.withLockedValue { next in next.map { $0 <= .now } ?? true }
    }

    func wereRefused(_ error: EngineError) {
        let isNews = next.withLockedValue { next in
            defer { next = .now + Self.rest }
            return next == nil
        }
        guard isNews else { return }
        logger.info(
            "disks of instances are measured, not bounded", metadata: ["engine": "\(error.message)"]
        )
    }

    /// It bounded one.
    func wereGranted() {
        next.withLockedValue { $0 = nil }
    }

    private static let rest = Duration.seconds(600)
}
