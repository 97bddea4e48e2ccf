internal import CJail
internal import Glibc

/// A tool that was started: its pidfd and our ends of its pipes.
struct JailProcess {
    private(set) var pidfd: CInt
    var stdout: CInt
    var stderr: CInt
    var status: CInt

    /// Gives the pidfd away; whoever has it closes it.
    mutating func releasePidfd() -> CInt {
        defer { pidfd = -1 }
        return pidfd
    }
}

/// One run from its spawn to its end: waits for whatever comes first, and drains both streams to their
/// ends before it says how the run ended.
struct JailRun {
    var process: JailProcess
    /// How long a killed process may take to die before it counts as stuck in the kernel.
    var grace = Duration.seconds(5)
    private let limits: JailLimits
    private let started: ContinuousClock.Instant
    private var statusLine: [UInt8] = []
    private var outputByteCount = 0
    private var exit: (code: CInt, signal: CInt)?
    private var usedUpTime = false
    private var isReady = false
    /// Why we ended it, if we did.
    private var verdict: JailEnd.Cause?
    private var sinkFailure: (any Error)?
    /// Whether something that it wrote was not kept.
    private var isCut = false
    private var killed: ContinuousClock.Instant?
    private var buffer = [UInt8](repeating: 0, count: Self.pieceByteCount)

    init(process: JailProcess, limits: JailLimits, started: ContinuousClock.Instant) {
        self.process = process
        self.limits = limits
        self.started = started
    }

    /// Reads until both streams ended and the process did, or the process does not die.
    mutating func drain(
        cancelled: CInt, ready: () -> Void,
        sink: (JailStream, UnsafeRawBufferPointer) throws -> Void
    ) {
        while process.stdout >= 0 || process.stderr >= 0 || process.status >= 0 || exit == nil {
            let isOverdue = killed.map { .now - $0 > grace } ?? false
            // Output that never pauses keeps poll(2) from ever running into its own limit.
            if killed == nil, .now - started >= limits.wallTime { end(as: .timedOut) }
            let waitsForCancellation = verdict == nil
            var entries = [
                pollfd(fd: process.stdout, events: Int16(POLLIN), revents: 0),
                pollfd(fd: process.stderr, events: Int16(POLLIN), revents: 0),
                pollfd(fd: process.status, events: Int16(POLLIN), revents: 0),
                pollfd(fd: exit == nil ? process.pidfd : -1, events: Int16(POLLIN), revents: 0),
                pollfd(
                    fd: waitsForCancellation ? cancelled : -1,
                    events: Int16(POLLIN), revents: 0),
            ]
            // A negative descriptor is passed over (poll(2)).
            let count = poll(&entries, nfds_t(entries.count), millisecondsToWait())
            // Not without a last look: this thread, too, may have stood still.
            if count == 0, isOverdue { return }
            // Interrupted, or out of time: seen above.
            if count <= 0 { continue }
            if entries[2].revents != 0 { readStatus(ready: ready) }
            // Two pipes do not tell what was written first. Tools hold standard output back and write
            // complaints at once, in pieces; so a complaint that is there came before most of it, and
            // is not torn apart.
            if entries[1].revents != 0 { read(.stderr, from: process.stderr, sink: sink) }
            if entries[0].revents != 0 { read(.stdout, from: process.stdout, sink: sink) }
            if entries[3].revents != 0 { collect() }
            if entries[4].revents != 0 { end(as: .cancelled) }
        }
    }

    /// What came of it.
    func end() -> JailEnd {
        JailEnd(
            cause: cause, runtime: .now - started, sinkFailure: sinkFailure,
            isCollected: exit != nil, usedUpTime: usedUpTime)
    }

    mutating func closeDescriptors() {
        for descriptor in [process.stdout, process.stderr, process.status, process.pidfd]
        where descriptor >= 0 {
            close(descriptor)
        }
    }

    private var cause: JailEnd.Cause {
        if let failure { return failure }
        if let verdict, !endedByItself { return verdict }
        guard let exit else { return .timedOut }
        // Without a word from the library the tool has run into the poison, or died before: either way
        // its main has done nothing.
        guard isReady else { return .notStarted(step: "preload", code: 0) }
        return exit.signal == 0 ? .exited(code: Int(exit.code)) : .signalled(Int(exit.signal))
    }

    /// Whether it was over, with all that it had to say, before we could end it: a wish or a limit that came in that moment
    /// met nothing.
    private var endedByItself: Bool {
        let cameLate = verdict == .timedOut || verdict == .cancelled
        let isWhole = process.stdout < 0 && process.stderr < 0 && !isCut && sinkFailure == nil
        return cameLate && exit?.signal == 0 && isWhole && isReady
    }

    /// `failed STEP ERRNO` from the library.
    private var failure: JailEnd.Cause? {
        let words = statusLine.split(separator: UInt8(ascii: " "))
        guard words.count == 3, words[0].elementsEqual("failed".utf8) else { return nil }
        let code = words[2].prefix { $0 != UInt8(ascii: "\n") }
        return .notStarted(
            step: String(decoding: words[1], as: UTF8.self),
            code: Int(String(decoding: code, as: UTF8.self)) ?? 0)
    }

    private mutating func readStatus(ready: () -> Void) {
        let count = Glibc.read(process.status, &buffer, 64)
        if count > 0, statusLine.count < 256 { statusLine.append(contentsOf: buffer[..<count]) }
        if !isReady, statusLine.elementsEqual(CJAIL_READY.utf8) {
            isReady = true
            ready()
        }
        if count <= 0 {
            close(process.status)
            process.status = -1
        }
    }

    private mutating func read(
        _ stream: JailStream, from descriptor: CInt,
        sink: (JailStream, UnsafeRawBufferPointer) throws -> Void
    ) {
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        if count < 0 && errno == EINTR { return }
        guard count > 0 else {
            close(descriptor)
            if stream == .stdout { process.stdout = -1 } else { process.stderr = -1 }
            return
        }
        // After a verdict the rest is read, so that the tool can die, and kept as far as it is allowed.
        let allowed = min(count, limits.outputByteCount - outputByteCount)
        if allowed > 0, sinkFailure == nil {
            do {
                try buffer.withUnsafeBytes {
                    try sink(stream, UnsafeRawBufferPointer(rebasing: $0[..<allowed]))
                }
                outputByteCount += allowed
            } catch {
                sinkFailure = error
                end(as: .sinkFailed)
            }
        }
        if allowed < count {
            isCut = true
            end(as: .outputLimit)
        }
    }

    private mutating func collect() {
        var code: CInt = 0
        var signal: CInt = 0
        var milliseconds: Int64 = 0
        guard cjail_collect_timed(process.pidfd, &code, &signal, &milliseconds) == 0 else { return }
        exit = (code, signal)
        // The kernel ends process 1 of a namespace at the hard limit, by the same signal as everybody else.
        usedUpTime = signal == SIGKILL && milliseconds >= Int64(limits.cpuSeconds) * 1000
    }

    /// Kills the tool, and its PID namespace with it.
    ///
    /// The first reason stays.
    private mutating func end(as cause: JailEnd.Cause) {
        if verdict == nil { verdict = cause }
        if killed == nil { killed = .now }
        _ = cjail_kill(process.pidfd)
    }

    private func millisecondsToWait() -> CInt {
        let left =
            if let killed { grace - (.now - killed) } else {
                limits.wallTime - (.now - started)
            }
        let (seconds, attoseconds) = left.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1
        return CInt(clamping: max(0, milliseconds))
    }

    private static let pieceByteCount = 1 << 16
}
