import Glibc

/// Carries bytes between a login's descriptors 0, 1 and 2 and its program, until one side is gone.
struct SessionStreams {
    enum End {
        case program, client, agent
    }

    private let execution: SessionExecution
    private let terminal: SessionTerminal?
    /// Reports a hang-up when the agent has ended.
    private let agentPipe: CInt
    private let signals: SessionSignals

    private var input = OutgoingBytes()
    private var output = OutgoingBytes()
    private var errors = OutgoingBytes()
    private var frames = FrameReader()
    private var inputIsOpen = true
    private var programIsOpen = true
    /// How often more to try to tell the size.
    private var resizeTries = 0

    init(
        _ execution: SessionExecution, terminal: SessionTerminal?, agentPipe: CInt,
        signals: SessionSignals
    ) {
        self.execution = execution
        self.terminal = terminal
        self.agentPipe = agentPipe
        self.signals = signals
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, execution.connection] {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
        if terminal != nil { resizeTries = Self.mostResizeTries }
        took(execution.beginning)
    }

    mutating func run() -> End {
        while programIsOpen || !output.isEmpty || !errors.isEmpty {
            let program =
                (output.isEmpty && errors.isEmpty && programIsOpen ? POLLIN : 0)
                | (input.isEmpty || !programIsOpen ? 0 : POLLOUT)
            let reads = inputIsOpen && input.isEmpty && programIsOpen
            // A descriptor of which nothing is wanted would report its hang-up again and again.
            var polls = [
                pollfd(fd: reads ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: STDOUT_FILENO, events: output.isEmpty ? 0 : Int16(POLLOUT), revents: 0),
                pollfd(fd: STDERR_FILENO, events: errors.isEmpty ? 0 : Int16(POLLOUT), revents: 0),
                pollfd(
                    fd: program == 0 ? -1 : execution.connection, events: Int16(program), revents: 0
                ),
                pollfd(fd: agentPipe, events: 0, revents: 0),
                pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let patience: CInt = resizeTries > 0 ? 20 : -1
            guard poll(&polls, nfds_t(polls.count), patience) >= 0 || errno == EINTR else {
                return .client
            }
            if polls[5].revents != 0 {
                let signals = signals.take()
                if signals.ended { return .client }
                if signals.resized { resizeTries = Self.mostResizeTries }
            }
            if polls[4].revents != 0 { return .agent }
            if polls[3].revents != 0 { exchangeWithProgram(polls[3].revents) }
            // Written first: what the program wrote last may go out while the client is on its way out, too.
            guard write(&output, to: STDOUT_FILENO, polls[1].revents),
                write(&errors, to: STDERR_FILENO, polls[2].revents)
            else { return .client }
            if polls[0].revents != 0, !readInput() { return .client }
            if resizeTries > 0, let terminal {
                resizeTries = execution.resize(terminal.size) ? 0 : resizeTries - 1
            }
        }
        return .program
    }

    private mutating func exchangeWithProgram(_ events: Int16) {
        if events & Int16(POLLOUT) != 0, !input.write(to: execution.connection) {
            // It reads no more, but may still write.
            input = OutgoingBytes()
            inputIsOpen = false
        }
        closeInputWhenDone()
        guard output.isEmpty && errors.isEmpty, events & ~Int16(POLLOUT) != 0 else { return }
        switch readBytes(from: execution.connection) {
        case .bytes(let bytes): took(bytes)
        case .none: break
        case .end: programIsOpen = false
        }
    }

    private mutating func took(_ bytes: [UInt8]) {
        guard terminal == nil else {
            output.append(bytes[...])
            return
        }
        frames.take(bytes) { stream, piece in
            if stream == 2 { errors.append(piece) } else { output.append(piece) }
        }
    }

    /// False when the client is gone.
    private func write(
        _ bytes: inout OutgoingBytes, to descriptor: CInt, _ events: Int16
    ) -> Bool {
        guard events & Int16(POLLERR | POLLHUP | POLLNVAL) == 0 else { return false }
        return events & Int16(POLLOUT) == 0 || bytes.write(to: descriptor)
    }

    /// False when the client is gone.
    private mutating func readInput() -> Bool {
        switch readBytes(from: STDIN_FILENO) {
        case .bytes(let bytes): input.append(bytes[...])
        case .none: break
        case .end:
            // A terminal ends when the one who holds its other side is gone.
            if terminal != nil { return false }
            inputIsOpen = false
            closeInputWhenDone()
        }
        return true
    }

    private func closeInputWhenDone() {
        if !inputIsOpen && input.isEmpty { shutdown(execution.connection, CInt(SHUT_WR)) }
    }

    private enum Piece {
        case bytes([UInt8])
        case none, end
    }

    private func readBytes(from descriptor: CInt) -> Piece {
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, initialized in
            count = read(descriptor, buffer.baseAddress, buffer.count)
            initialized = max(0, count)
        }
        if count > 0 { return .bytes(bytes) }
        if count == 0 { return .end }
        return errno == EAGAIN || errno == EINTR ? .none : .end
    }

    /// The program may take a while until it runs.
    private static let mostResizeTries = 100
}
