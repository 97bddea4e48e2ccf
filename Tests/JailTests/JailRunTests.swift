import CJail
import Glibc
import Testing

@testable import Jail

/// A run from its start to what is said of its end, with tools that no jail is around.
@Suite struct JailRunTests {
    /// A program whose pipes a run drains.
    private static func start(_ script: String) throws -> JailProcess {
        let (output, error, status) = (try Pipe(), try Pipe(), try Pipe())
        defer { for pipe in [output, error, status] { pipe.closeWriter() } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output.writer, 1)
        posix_spawn_file_actions_adddup2(&actions, error.writer, 2)
        var pid: pid_t = 0
        var words: [UnsafeMutablePointer<CChar>?] = ["/bin/sh", "-c", script].map {
            (word: String) in
            strdup(word)
        }
        words.append(nil)
        defer { words.forEach { free($0) } }
        let code = posix_spawn(&pid, "/bin/sh", &actions, nil, &words, nil)
        #expect(code == 0)
        let ready = CJAIL_READY
        #expect(write(status.writer, ready, ready.utf8.count) == ready.utf8.count)
        return JailProcess(
            pidfd: cjail_process(pid), stdout: output.reader, stderr: error.reader,
            status: status.reader)
    }

    /// A run that begins now, and does not take a process for stuck because this machine is slow.
    private static func run(_ process: JailProcess, _ limits: JailLimits) -> JailRun {
        var run = JailRun(process: process, limits: limits, started: .now)
        run.grace = .seconds(600)
        return run
    }

    private static func limits(_ wallTime: Duration) -> JailLimits {
        JailLimits(
            wallTime: wallTime, cpuSeconds: 60, memoryByteCount: 1 << 30, outputByteCount: .max)
    }

    @Test(.timeLimit(.minutes(3)))
    func `a deadline ends a tool whose output never pauses`() throws {
        let process = try Self.start("exec yes")
        // It writes already when its time begins, and is not stuck because this thread is.
        var writes = [pollfd(fd: process.stdout, events: Int16(POLLIN), revents: 0)]
        #expect(poll(&writes, 1, -1) == 1)
        var run = Self.run(process, Self.limits(.seconds(1)))
        defer { run.closeDescriptors() }
        var byteCount = 0
        run.drain(cancelled: -1, ready: {}) { _, piece in byteCount += piece.count }
        #expect(run.end().cause == .timedOut)
        #expect(run.end().isCollected)
        #expect(run.end().runtime >= .seconds(1))
        #expect(byteCount > 0)
    }

    @Test(.timeLimit(.minutes(3)), arguments: [false, true])
    func `a wish that comes when the tool has ended met nothing`(isLoud: Bool) throws {
        let process = try Self.start(isLoud ? "echo out; echo err >&2; exit 3" : "exit 3")
        let wish = try Pipe()
        defer {
            wish.closeReader()
            wish.closeWriter()
        }
        // What it wrote is still in its pipes, and its end is not collected.
        var ended = [pollfd(fd: process.pidfd, events: Int16(POLLIN), revents: 0)]
        #expect(poll(&ended, 1, -1) == 1)
        #expect(write(wish.writer, "c", 1) == 1)
        var run = Self.run(process, Self.limits(.seconds(3600)))
        defer { run.closeDescriptors() }
        var text = ""
        run.drain(cancelled: wish.reader, ready: {}) { text += String(decoding: $1, as: UTF8.self) }
        #expect(run.end().cause == .exited(code: 3))
        #expect(text == (isLoud ? "err\nout\n" : ""))
    }

    /// The thread stood still for longer than its deadline, and than a killed tool may take.
    @Test(.timeLimit(.minutes(3)))
    func `a tool that was over is not stuck, however late it is looked at`() throws {
        let process = try Self.start("echo out; exit 3")
        var ended = [pollfd(fd: process.pidfd, events: Int16(POLLIN), revents: 0)]
        #expect(poll(&ended, 1, -1) == 1)
        var run = JailRun(process: process, limits: Self.limits(.zero), started: .now)
        run.grace = .zero
        defer { run.closeDescriptors() }
        var text = ""
        run.drain(cancelled: -1, ready: {}) { text += String(decoding: $1, as: UTF8.self) }
        #expect(run.end().cause == .exited(code: 3) && run.end().isCollected)
        #expect(text == "out\n")
    }

    @Test(.timeLimit(.minutes(3)), arguments: [false, true])
    func `what was not kept is not hidden by an end of its own`(sinkFails: Bool) throws {
        struct Full: Error {}
        let process = try Self.start("echo out")
        let wish = try Pipe()
        defer {
            wish.closeReader()
            wish.closeWriter()
        }
        var ended = [pollfd(fd: process.pidfd, events: Int16(POLLIN), revents: 0)]
        #expect(poll(&ended, 1, -1) == 1)
        // The deadline is seen first, and then that it had ended; what is read last does not fit.
        var limits = Self.limits(.zero)
        limits.outputByteCount = sinkFails ? 4 : 3
        var run = Self.run(process, limits)
        defer { run.closeDescriptors() }
        run.drain(cancelled: wish.reader, ready: {}) { _, _ in if sinkFails { throw Full() } }
        #expect(run.end().cause == .timedOut)
    }

    @Test(.timeLimit(.minutes(3)))
    func `a wish that comes before ends it`() throws {
        let wish = try Pipe()
        defer {
            wish.closeReader()
            wish.closeWriter()
        }
        var run = Self.run(
            try Self.start("echo out; exec sleep 3600"), Self.limits(.seconds(3600)))
        defer { run.closeDescriptors() }
        run.drain(cancelled: wish.reader, ready: {}) { _, _ in _ = write(wish.writer, "c", 1) }
        #expect(run.end().cause == .cancelled)
        #expect(run.end().isCollected)
    }
}
