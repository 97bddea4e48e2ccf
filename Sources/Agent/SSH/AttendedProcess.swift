internal import Glibc
internal import NIOConcurrencyHelpers

/// A program of this host that runs beside the agent, and tells on its standard error how it goes.
final class AttendedProcess: Sendable {
    private struct State {
        var id: pid_t?
        var isUnwanted = false
    }

    private let state = NIOLockedValueBox(State())

    /// Runs the program until it ends.
    ///
    /// It is begun and waited for by a thread that does nothing else: a signal for the parent's death comes when the
    /// thread that began the process ends (PR_SET_PDEATHSIG(2const)).
    ///
    /// - Parameters:
    ///   - path: The program.
    ///   - arguments: Without its name.
    ///   - line: Called with each line that it, or a child of it, writes to its standard error.
    /// - Returns: As waitpid(2) has it; nil when it could not be begun, or was not wanted any more.
    func run(
        _ path: String, _ arguments: [String], line: @escaping @Sendable (String) -> Void
    ) async -> CInt? {
        await withCheckedContinuation { continuation in
            Self.inThread {
                let status = self.runHere(path, arguments, line)
                continuation.resume(returning: status)
            }
        }
    }

    /// Asks it to end (SIGTERM), now and if it is yet to begin.
    func end() {
        state.withLockedValue { state in
            state.isUnwanted = true
            // It is collected under the same lock: the number is its own still.
            if let id = state.id { kill(id, SIGTERM) }
        }
    }

    private func runHere(
        _ path: String, _ arguments: [String], _ line: @escaping @Sendable (String) -> Void
    ) -> CInt? {
        var ends: [CInt] = [0, 0]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return nil }
        let reader = ends[0]
        let child = state.withLockedValue { state in
            state.id = state.isUnwanted ? nil : Self.spawn(path, arguments, error: ends[1])
            return state.id
        }
        close(ends[1])
        guard let child else {
            close(reader)
            return nil
        }
        Self.inThread { Self.readLines(reader, line) }
        var information = siginfo_t()
        while waitid(P_PID, id_t(child), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        return state.withLockedValue { state in
            state.id = nil
            var status: CInt = 0
            while waitpid(child, &status, 0) < 0, errno == EINTR {}
            return status
        }
    }

    private static func spawn(_ path: String, _ arguments: [String], error: CInt) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, error, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Not what this process ignores or blocks; and a group of its own, so that a key typed at the agent's
        // terminal is for the agent.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        var words = copies([path] + arguments)
        var environment = copies(["LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        defer { for word in words + environment { free(word) } }
        var child: pid_t = 0
        return posix_spawn(&child, path, &actions, &attributes, &words, &environment) == 0
            ? child : nil
    }

    /// As C wants them: with a null pointer at the end.
    private static func copies(_ words: [String]) -> [UnsafeMutablePointer<CChar>?] {
        words.map { word in strdup(word) } + [nil]
    }

    /// Children of the program may go on after it, and write.
    private static func readLines(_ descriptor: CInt, _ line: (String) -> Void) {
        guard let file = fdopen(descriptor, "r") else {
            close(descriptor)
            return
        }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while buffer.withUnsafeMutableBytes({
            fgets($0.assumingMemoryBound(to: CChar.self).baseAddress, CInt($0.count), file)
        }) != nil {
            let text = String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
            line(text.filter { !$0.isNewline })
        }
    }

    private static func inThread(_ body: @escaping @Sendable () -> Void) {
        final class Body: Sendable {
            let run: @Sendable () -> Void
            init(_ run: @escaping @Sendable () -> Void) { self.run = run }
        }
        let argument = Unmanaged.passRetained(Body(body)).toOpaque()
        var thread: pthread_t = 0
        let result = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, argument)
        if result == 0 {
            pthread_detach(thread)
        } else {
            // On a thread that may end before its child; better than not at all.
            Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        }
    }
}
