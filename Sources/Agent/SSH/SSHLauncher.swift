/// How an sshd is begun: through programs of util-linux that each prepare something and become the next one.
///
/// * setpriv(1): the kernel kills it when the agent dies, however that happens (PR_SET_PDEATHSIG(2const)).
/// * unshare(1): mounts of its own, in which the machine's files of users are hidden. The sshd sees a root that has no
///   password, is not locked and has a plain shell, whatever the machine's root is; and it writes logins of tenants into
///   files that are not the machine's. Mounts that go away elsewhere go away here, too, so that no container is kept.
enum SSHLauncher {
    static let program = "/usr/bin/setpriv"

    /// - Parameters:
    ///   - server: OpenSSH's.
    ///   - configuration: Its file.
    ///   - folder: The agent's, for SSH.
    ///   - agent: Its process.
    /// - Returns: The words after ``program``.
    static func arguments(
        server: String, configuration: String, folder: SSHFolder, agent: Int32
    ) -> [String] {
        [
            "--pdeathsig", "KILL", "--", "/usr/bin/unshare", "--mount", "--propagation", "slave",
            "--",
            "/bin/sh", "-c", script, "boathook-sshd", "\(agent)", folder.users, folder.passwords,
            folder.logins, server, configuration,
        ]
    }

    /// `/run/sshd` is empty, and where the part that talks to strangers is locked in; Debian's own service makes and
    /// removes it.
    private static let script = """
        [ "$PPID" = "$1" ] || exit 1 # the agent died before the kernel was told
        mkdir -p -m 755 /run/sshd || exit 1
        mount --bind "$2" /etc/passwd && mount --bind "$3" /etc/shadow || exit 1
        for file in /run/utmp /var/log/wtmp /var/log/lastlog; do
            [ ! -e "$file" ] || mount --bind "$4" "$file" || exit 1
        done
        exec "$5" -D -e -f "$6"
        """
}
