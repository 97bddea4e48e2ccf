internal import ContainerEngine

/// What is told of a container in words of its image's, its owner's or its engine's: no more of it than rows can bear.
enum ContainerText {
    /// Pairs of name and value in their order, those first of which there is room for.
    ///
    /// An image's own have no bound, and all containers of a machine are told in one message.
    static func environment(of container: Container) -> [[String]] {
        var byteCount = 0
        return container.environment.prefix { entry in
            byteCount += entry.utf8.count
            return byteCount <= maximumEnvironmentByteCount
        }.map { entry in
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return [String(parts[0]), parts.count > 1 ? String(parts[1]) : ""]
        }
    }

    /// Why it does not run; nil while it does, or when nobody knows.
    ///
    /// What could not be started is an error, by the word that clients look for (contract 3.4). A program that has
    /// ended, in whatever way, is none.
    static func end(of container: Container) -> String? {
        guard !["running", "paused", "restarting"].contains(container.status) else { return nil }
        if !container.failure.isEmpty {
            return "Error: \(InstanceFailure(container.failure).message)"
        }
        guard let end = container.end else { return nil }
        switch end.code {
        case 137 where end.wasOutOfMemory: return "killed (out of memory)"
        case 129...192: return "killed by signal \(end.code - 128)"
        default:
            return "exited with status \(end.code)\(end.wasOutOfMemory ? " (out of memory)" : "")"
        }
    }

    private static let maximumEnvironmentByteCount = 64 << 10
}
