/// What an engine says of itself.
package struct EngineInformation: Sendable, Hashable {
    /// Such as `Docker 20.10.24`.
    package var version: String
    package var isPodman: Bool
    /// The folder on this host where it keeps containers.
    package var dataRoot: String
    /// The host's name.
    package var hostname: String

    package init(version: String, isPodman: Bool, dataRoot: String, hostname: String) {
        self.version = version
        self.isPodman = isPodman
        self.dataRoot = dataRoot
        self.hostname = hostname
    }

    /// Whether containers of it can be given GPUs: Podman's compatible service takes the wish for them and does
    /// nothing (seen with 4.3.1).
    package var givesGPUs: Bool { !isPodman }
}

/// How to be let in by an image registry.
package struct RegistryCredentials: Sendable, Hashable {
    package var user: String
    package var password: String
    /// The registry's host; empty for Docker Hub's.
    package var server: String

    package init(user: String, password: String, server: String) {
        self.user = user
        self.password = password
        self.server = server
    }
}
