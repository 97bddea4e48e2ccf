internal import Glibc

/// Runs a program of this host to its end and takes what it writes; for short ones that are asked for a fact.
enum HostProgram {
    /// The whole path of a program on the usual `PATH`; nil when this host has none of that name.
    static func path(of name: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let folders = path.split(separator: ":").map(String.init) + ["/usr/local/bin", "/usr/bin"]
        return folders.lazy.map { "\($0)/\(name)" }.first {
            $0.hasPrefix("/") && access($0, X_OK) == 0
        }
    }

    /// Blocks until the program has ended, or is killed because it does not.
    ///
    /// - Parameters:
    ///   - path: The program.
    ///   - arguments: Without its name.
    ///   - patience: How long it may take.
    /// - Returns: What it wrote to its output; nil when it failed, was killed, or wrote too much.
    static func output(
        of path: String, _ arguments: [String], patience: Duration
    ) -> [UInt8]? {
        var ends: [CInt] = [0, 0]
        // A pair of sockets, which no other program inherits; pipe(2) takes no flags.
        guard
            socketpair(
                AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, &ends) == 0
        else { return nil }
        defer { close(ends[0]) }
        let child = spawn(path, arguments, output: ends[1])
        close(ends[1])
        guard let child else { return nil }
        let output = read(from: ends[0], until: .now + patience)
        if output == nil { kill(child, SIGKILL) }
        var status: CInt = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status == 0 ? output : nil
    }

    private static func spawn(_ path: String, _ arguments: [String], output: CInt) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var words = copies([path] + arguments)
        var environment = copies(["LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        defer { for word in words + environment { free(word) } }
        var child: pid_t = 0
        return posix_spawn(&child, path, &actions, nil, &words, &environment) == 0 ? child : nil
    }

    /// As C wants them: with a null pointer at the end.
    private static func copies(_ words: [String]) -> [UnsafeMutablePointer<CChar>?] {
        words.map { word in strdup(word) } + [nil]
    }

    /// Nil when it does not end in time, or is too much.
    private static func read(
        from descriptor: CInt, until deadline: ContinuousClock.Instant
    ) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let left = (deadline - .now) / .milliseconds(1)
            guard left > 0 else { return nil }
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, CInt(min(left + 1, 60_000))) > 0 else { continue }
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= maximumByteCount else { return nil }
        }
    }

    private static let maximumByteCount = 1 << 20
}
