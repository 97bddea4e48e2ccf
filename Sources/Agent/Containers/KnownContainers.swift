internal import ContainerEngine
internal import NIOConcurrencyHelpers

/// What the engine last said of each container, as long as nothing has happened to it since.
///
/// Asking the engine costs most of a millisecond, a good part of a reader's way. A reader does not need
/// the newest word: the jail itself refuses a root that is not mounted any more, and then the engine is
/// asked. A writer always asks.
final class KnownContainers: Sendable {
    private let containers: NIOLockedValueBox<[Container.ID: Container]> = .init([:])

    func container(_ id: Container.ID) -> Container? {
        containers.withLockedValue { $0[id] }
    }

    func keep(_ container: Container) {
        containers.withLockedValue { $0[container.id] = container }
    }

    /// Something happened to it.
    func forget(_ id: Container.ID) {
        containers.withLockedValue { $0[id] = nil }
    }

    /// Something may have happened to all of them.
    func forgetAll() {
        containers.withLockedValue { $0 = [:] }
    }
}
