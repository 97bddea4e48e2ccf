internal import FoundationEssentials
internal import Glibc

/// Finds the engine's socket.
package enum EngineLocator {
    /// The path of the Unix socket to use.
    ///
    /// - Parameters:
    ///   - option: What the user asked for: `unix:///PATH` or a path; nil to look.
    ///   - environment: The process's; `DOCKER_HOST` and `XDG_RUNTIME_DIR` are read.
    /// - Returns: The path that was named, or the first of the usual ones that is a socket.
    /// - Throws: ``EngineError/Code/unreachable`` when what was named is not a Unix socket, or none of
    ///   the usual places has one.
    package static func socketPath(
        option: String?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(EngineError) -> String {
        if let named = option ?? environment["DOCKER_HOST"] {
            let path = named.hasPrefix("unix://") ? String(named.dropFirst(7)) : named
            guard path.hasPrefix("/") else {
                throw EngineError(
                    .unreachable,
                    "\(named) is not a Unix socket; use unix:///PATH (a local engine).")
            }
            return path
        }
        let usual =
            ["/var/run/docker.sock", "/run/podman/podman.sock"]
            + (environment["XDG_RUNTIME_DIR"].map { ["\($0)/podman/podman.sock"] } ?? [])
        for path in usual where isSocket(path) { return path }
        throw EngineError(
            .unreachable,
            "No container engine found at \(usual.joined(separator: ", ")). Start one, or use --engine unix:///PATH."
        )
    }

    private static func isSocket(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }
}
