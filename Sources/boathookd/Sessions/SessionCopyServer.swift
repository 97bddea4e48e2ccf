import Agent

/// An rsync daemon in the container, for `vastai copy`: the image's own rsync, or else this machine's, lent to it.
///
/// Upstream's clients run `rsync … vastai_kaalia@HOST::ID/PATH` over ssh (contract 9). So rsync asks this login for one
/// command, and talks to it as to a daemon that has a module of the instance's id (rsync(1), "USING RSYNC-DAEMON
/// FEATURES VIA A REMOTE-SHELL CONNECTION").
struct SessionCopyServer {
    let scripts: SessionScripts

    /// Whether a login asks for the daemon, and nothing else.
    static func isAsked(_ command: [UInt8]?) -> Bool {
        command.map { $0.elementsEqual("rsync --server --daemon .".utf8) } ?? false
    }

    /// The words of a program that is the daemon.
    ///
    /// - Throws: ``SessionError`` when there is none; rsync shows it to who copies.
    func arguments() throws(SessionError) -> [String] {
        var folder = ""
        if try scripts.run("command -v rsync", []).status != 0 {
            guard Self.program.isHere else {
                throw SessionError(
                    "neither this image nor this machine has rsync; install it in the instance",
                    status: 1)
            }
            guard let lent = try Self.program.lend(to: scripts) else {
                throw SessionError(
                    "this image has no rsync, and none could be lent to it; install it in the instance",
                    status: 1)
            }
            folder = lent
        }
        return ["/bin/sh", "-c", Self.runScript, "sh", configuration, folder]
    }

    /// What the daemon is told (rsyncd.conf(5)): the container's whole tree, as root of the container, under either
    /// spelling of the instance's id; but for what was lent, to this copy or to another one.
    ///
    /// It is in the container already, so it needs no chroot(2); and links are stored and sent as they are.
    private var configuration: String {
        """
        read only = no
        list = no
        uid = 0
        gid = 0
        use chroot = no
        munge symlinks = no
        reverse lookup = no
        log file = /dev/null
        exclude = \(Self.program.folderPrefix)*
        [\(scripts.door.instanceID)]
        path = /
        [C.\(scripts.door.instanceID)]
        path = /
        """
    }

    private static let program = LentProgram(
        name: "rsync", places: ["/usr/bin/rsync", "/usr/local/bin/rsync"])

    /// The configuration comes by a descriptor, so that no file of the container's is needed for it.
    private static let runScript = """
        if [ -z "$2" ]; then
            exec rsync --server --daemon --config=/proc/self/fd/3 . 3<<END
        $1
        END
        fi
        trap 'rm -rf "$2"; exit 129' HUP INT TERM
        "$2/loader" --library-path "$2" "$2/rsync" --server --daemon --config=/proc/self/fd/3 . 3<<END
        $1
        END
        s=$?
        rm -rf "$2"
        exit $s
        """
}
