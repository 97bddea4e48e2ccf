internal import FoundationEssentials

/// Podman's mount of a stopped container's root.
///
/// Podman counts those who use it: a container that is started meanwhile runs on the very same
/// mount, and so there is never a second overlay on one upper directory. Its removal fails while
/// the mount is held.
final class PodmanHold: StoppedRootHold {
    let root: String
    let excludesStart = false
    private let id: Container.ID
    private let engine: DockerEngine

    private init(root: String, id: Container.ID, engine: DockerEngine) {
        self.root = root
        self.id = id
        self.engine = engine
    }

    static func take(_ container: Container, engine: DockerEngine) async throws -> PodmanHold {
        let reply = try await engine.post("/v4.0.0/libpod/containers/\(container.id)/mount")
        // The path as plain text (Podman 4.3.1), or as a JSON string, as its reference has it.
        let plain = String(decoding: reply, as: UTF8.self).filter { !$0.isNewline }
        let root = (try? JSONDecoder().decode(String.self, from: Data(reply))) ?? plain
        guard root.hasPrefix("/") else {
            throw EngineError(.refused, "Podman named no mount: \(plain.prefix(200))")
        }
        return PodmanHold(root: root, id: container.id, engine: engine)
    }

    var isHeld: Bool { true }

    func release() async {
        // Also when the caller was cancelled: Podman counts, and forgets nothing by itself.
        _ = await Task.detached { [engine, id] in
            try? await engine.post("/v4.0.0/libpod/containers/\(id)/unmount")
        }.value
    }
}
