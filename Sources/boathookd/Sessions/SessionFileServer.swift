import Agent

/// OpenSSH's server of the subsystem `sftp`, in the container: the image's own, or else this machine's, lent to it.
struct SessionFileServer {
    let scripts: SessionScripts

    /// The words of a program that is the server.
    ///
    /// - Throws: ``SessionError`` when there is none, with what to use instead; sshd does not pass on what a subsystem
    ///   writes to its standard error, so that only the operator of this machine could see it.
    func arguments() throws(SessionError) -> [String] {
        let found = try scripts.run(Self.findScript, [])
        if found.status == 0, let path = String(validating: found.output, as: UTF8.self) {
            return ["/bin/sh", "-c", "cd 2>/dev/null; exec \"$1\"", "sh", path]
        }
        guard let folder = try Self.program.lend(to: scripts) else {
            throw SessionError(
                """
                this image has no sftp-server, and none could be lent to it; use 'scp -O' or rsync, which run the \
                image's own scp and rsync
                """, status: 1)
        }
        return ["/bin/sh", "-c", Self.runScript, "sh", folder]
    }

    /// Where distributions put it.
    private static let program = LentProgram(
        name: "sftp-server",
        places: [
            "/usr/lib/openssh/sftp-server", "/usr/lib/ssh/sftp-server",
            "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server",
        ])

    private static let findScript =
        "for p in \(program.places.joined(separator: " ")); do [ -x $p ] && printf %s $p && exit; done; exit 1"
    private static let runScript = """
        cd 2>/dev/null
        trap 'rm -rf "$1"; exit 129' HUP INT TERM
        "$1/loader" --library-path "$1" "$1/sftp-server"
        s=$?
        rm -rf "$1"
        exit $s
        """
}
