/// The first process of an instance that runs a script at each start, and stays when that has ended.
enum ShellProgram {
    /// The container's entry point; there are no arguments beside it.
    static func entrypoint(script: String) -> [String] {
        ["/bin/sh", "-c", text, "boathook", script]
    }

    /// For any POSIX shell, with its built-ins alone: an image needs to have nothing but `/bin/sh`.
    ///
    /// The script runs in the background, because a shell obeys a trap only while it waits. What there is to wait for
    /// afterwards is a process that stops itself: `sleep` may not be there, and a loop would burn a core. It dies
    /// with the first process, as everything in the container does. The shell collects processes that lost their
    /// parents while it waits.
    static let text = """
        trap 'exit 0' TERM INT
        if [ -n "$1" ]; then
            shell=/bin/sh
            if command -v bash >/dev/null 2>&1; then shell=bash; fi
            if (printf '%s\\n' "$1" >/root/onstart.sh) 2>/dev/null; then
                "$shell" /root/onstart.sh &
            else
                "$shell" -c "$1" onstart.sh &
            fi
            wait $!
            status=$?
            if [ "$status" -ne 0 ]; then echo "onstart.sh: exit status $status" >&2; fi
        fi
        while :; do
            /bin/sh -c 'kill -STOP $$' &
            wait $!
        done
        """
}
