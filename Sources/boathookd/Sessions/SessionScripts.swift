import Agent
import Glibc

/// Scripts of ours that the container's own shell runs, before what was asked for.
///
/// That shell is the tenant's: it may write for ever, read nothing, or do nothing at all. So none goes on when the
/// client or the agent is gone, and all of a login's together have a minute.
struct SessionScripts {
    let door: SSHDoorFile
    /// Reports a hang-up when the agent has ended.
    let agentPipe: CInt
    let signals: SessionSignals
    private var deadline = ContinuousClock.now + .seconds(60)
    /// Whether it matters that somebody is gone.
    private var looksAround = true

    init(door: SSHDoorFile, agentPipe: CInt, signals: SessionSignals) {
        self.door = door
        self.agentPipe = agentPipe
        self.signals = signals
    }

    /// For what has to be cleared away, whoever is gone by now: five seconds more.
    var last: SessionScripts {
        var last = self
        last.deadline = .now + .seconds(5)
        last.looksAround = false
        return last
    }

    /// Runs one to its end.
    ///
    /// - Parameters:
    ///   - script: For `/bin/sh`.
    ///   - arguments: From `$1` on.
    ///   - input: What it reads.
    /// - Returns: How it ended, and the beginning of what it wrote.
    /// - Throws: ``SessionError`` when the container cannot be entered, or somebody is gone, or there is no more time.
    func run(
        _ script: String, _ arguments: [String], input: [UInt8] = []
    ) throws(SessionError) -> (status: Int32, output: [UInt8]) {
        let execution = try SessionExecution(
            ["/bin/sh", "-c", script, "sh"] + arguments, environment: [], in: door,
            hasTerminal: false)
        defer { close(execution.connection) }
        do throws(SessionError) {
            let output = try exchange(with: execution, input)
            return (try execution.endStatus(), output)
        } catch {
            execution.end()
            throw error
        }
    }

    /// Gives it its input and takes its output, until it has ended or closed it.
    private func exchange(
        with execution: SessionExecution, _ input: [UInt8]
    ) throws(SessionError) -> [UInt8] {
        let connection = execution.connection
        _ = fcntl(connection, F_SETFL, fcntl(connection, F_GETFL) | O_NONBLOCK)
        var rest = OutgoingBytes()
        rest.append(input[...])
        if rest.isEmpty { shutdown(connection, CInt(SHUT_WR)) }
        var frames = FrameReader()
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var bytes = execution.beginning
        while true {
            frames.take(bytes) { stream, piece in
                // What the container writes is bounded here, because it is ours to keep.
                if stream == 1, output.count + piece.count < 4096 { output += piece }
            }
            let events = try wait(for: connection, writes: !rest.isEmpty)
            if events & Int16(POLLOUT) != 0, !rest.isEmpty {
                // It reads no more, but may still write.
                if !rest.write(to: connection) { rest = OutgoingBytes() }
                if rest.isEmpty { shutdown(connection, CInt(SHUT_WR)) }
            }
            guard events & ~Int16(POLLOUT) != 0 else {
                bytes = []
                continue
            }
            let count = read(connection, &buffer, buffer.count)
            if count < 0, errno != EAGAIN, errno != EINTR { return output }
            if count == 0 { return output }
            bytes = Array(buffer[..<max(0, count)])
        }
    }

    /// Until the connection is ready.
    ///
    /// - Returns: For what, as poll(2) says it; 0 when it has to be asked again.
    private func wait(for connection: CInt, writes: Bool) throws(SessionError) -> Int16 {
        let left = deadline - .now
        guard left > .zero else {
            throw SessionError("the instance's /bin/sh does not come to an end", status: 1)
        }
        var polls = [
            pollfd(fd: connection, events: Int16(POLLIN | (writes ? POLLOUT : 0)), revents: 0),
            pollfd(fd: agentPipe, events: 0, revents: 0),
            pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
            // Nothing is wanted of it but the hang-up of who reads it.
            pollfd(fd: STDOUT_FILENO, events: 0, revents: 0),
        ]
        if !looksAround { polls.removeSubrange(1...) }
        let milliseconds = CInt(left.components.seconds) * 1000 + 1000
        guard poll(&polls, nfds_t(polls.count), milliseconds) >= 0 || errno == EINTR else {
            throw SessionError.clientIsGone
        }
        guard looksAround else { return polls[0].revents }
        if polls[1].revents != 0 { throw SessionError.agentHasEnded }
        if polls[2].revents != 0, signals.take().ended { throw SessionError.clientIsGone }
        if polls[3].revents != 0 { throw SessionError.clientIsGone }
        return polls[0].revents
    }
}
