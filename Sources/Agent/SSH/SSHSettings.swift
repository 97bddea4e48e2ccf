/// What this machine's owner says about logins into its instances.
package struct SSHSettings: Sendable, Hashable {
    /// What sshd gives to the command of a login when the client wants the subsystem `sftp`.
    package static let fileTransferWord = "boathook-sftp"

    /// Whom upstream's clients log in as to copy files: the same keys, and nothing but an rsync daemon.
    package static let copyUser = "vastai_kaalia"

    /// Addresses to listen at; empty for all.
    package var addresses: [String]
    /// `boathookd`, whose verb `ssh-session` is what a login runs.
    package var executable: String
    /// OpenSSH's server.
    package var server: String
    /// The engine's Unix socket.
    package var engineSocket: String

    package init(
        addresses: [String], executable: String, server: String = "/usr/sbin/sshd",
        engineSocket: String
    ) {
        self.addresses = addresses
        self.executable = executable
        self.server = server
        self.engineSocket = engineSocket
    }
}
