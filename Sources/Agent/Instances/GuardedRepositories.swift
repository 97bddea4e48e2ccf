internal import ContainerEngine
internal import FoundationEssentials
internal import Glibc
internal import NIOConcurrencyHelpers

/// The repositories from which this machine fetched something with a login.
///
/// An image that is on the machine is for everybody; one of these is for those alone whom its registry lets in, and the
/// engine does not remember that. A file of this agent's, one name a line, that only grows: a name too many costs
/// a question to its registry.
final class GuardedRepositories: Sendable {
    private let path: String
    private let names: NIOLockedValueBox<Set<String>>

    /// - Throws: When the file is there and cannot be read: then nobody knows which images are whose.
    init(path: String) throws {
        self.path = path
        let text =
            access(path, F_OK) == 0
            ? String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self) : ""
        names = .init(Set(text.split(separator: "\n").map(String.init)))
    }

    func contains(_ image: ImageName) -> Bool {
        names.withLockedValue { $0.contains(image.fullRepository) }
    }

    /// To be called before something is fetched: an agent that is killed in between knows of it all the same.
    ///
    /// - Throws: When it cannot be written down.
    func add(_ image: ImageName) throws {
        let name = image.fullRepository
        try names.withLockedValue { names in
            guard !names.contains(name) else { return }
            let descriptor = open(
                path, O_WRONLY | O_CREAT | O_APPEND | O_DSYNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw failure() }
            defer { close(descriptor) }
            // A line that was cut short by a full disk ends here.
            let line = Array("\n\(name)\n".utf8)
            guard write(descriptor, line, line.count) == line.count else { throw failure() }
            names.insert(name)
        }
    }

    private func failure() -> InstanceFailure {
        InstanceFailure("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
}
