internal import CJail
internal import Glibc

/// Runs the host's tools in the late jail (design.md, "The jail"; docs/jail.md).
///
/// One value serves a whole agent: it holds the checked library, an empty network namespace that all
/// runs share, and `/dev/null`.
package final class Jail: Sendable {
    private let library: JailLibrary
    private let network: CInt
    private let null: CInt
    private let stuck = StuckProcesses()
    private let cgroups: JailCgroups

    /// - Parameters:
    ///   - libraryPath: Of `libboathook-jail.so`, with its digest beside it.
    ///   - cgroups: Where tools run; their limits hold beside the rlimits.
    /// - Throws: ``JailError`` when this host cannot have a jail: no root, no such library, another
    ///   digest, no namespaces.
    package init(
        libraryPath: String, cgroups: JailCgroups = JailCgroups.none
    ) throws(JailError) {
        self.cgroups = cgroups
        guard geteuid() == 0 else {
            throw JailError("root", "the agent must run as root to confine commands")
        }
        // One that is ignored outlives execve(2), and the kernel then keeps nobody's exit status (wait(2)): how a tool
        // ended could not be known.
        signal(SIGCHLD, SIG_DFL)
        library = try JailLibrary(path: libraryPath)
        network = cjail_network_namespace()
        guard network >= 0 else {
            throw JailError("network", String(cString: strerror(-network)))
        }
        null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard null >= 0 else { throw JailError("null", String(cString: strerror(errno))) }
    }

    /// Gives up what is kept between runs on this host: at the end of an agent, whose process ends without more ado.
    package func end() {
        cgroups.removeAll()
    }

    deinit {
        close(network)
        close(null)
    }

    /// Runs the plan to its end.
    ///
    /// Blocks: call it on a thread that may wait, and that lives as long as the process, because
    /// the tool dies with the thread that started it.
    ///
    /// - Parameters:
    ///   - plan: What is run, on which view, within which limits.
    ///   - cancellation: Ends the run when it is cancelled.
    ///   - ready: Called once the jail is closed and the tool's main begins.
    ///   - sink: Gets every byte of output in its order of arrival; when it throws, the run ends.
    /// - Returns: How the run ended.
    /// - Throws: ``JailError`` when nothing could be started. A jail that failed to close is a
    ///   ``JailEnd/Cause/notStarted(step:code:)``.
    package func run(
        _ plan: JailPlan, cancellation: JailCancellation, ready: () -> Void,
        sink: (JailStream, UnsafeRawBufferPointer) throws -> Void
    ) throws(JailError) -> JailEnd {
        stuck.collect()
        return try cancellation.withDescriptor { cancelled throws(JailError) in
            let started = ContinuousClock.now
            var group = try cgroups.take(memoryByteCount: plan.limits.memoryByteCount)
            // Whoever is stuck in it keeps it.
            var isFree = true
            defer { if isFree { cgroups.giveBack(group) } }
            var run = try JailRun(
                process: spawn(plan, in: group.descriptors), limits: plan.limits, started: started)
            defer { run.closeDescriptors() }
            run.drain(cancelled: cancelled, ready: ready, sink: sink)
            var end = run.end()
            end.ranOutOfMemory = Self.ranOutOfMemory(end, in: &group)
            if !end.isCollected {
                stuck.add(run.process.releasePidfd())
                isFree = false
            }
            return end
        }
    }

    /// Whether that was its end; what was killed in a run that ended for another reason is not the next one's.
    private static func ranOutOfMemory(_ end: JailEnd, in group: inout JailCgroup) -> Bool {
        if case .exited = end.cause { return false }
        let isNew = group.hasNewOutOfMemoryKill()
        return end.cause == .signalled(9) && isNew
    }

    private static func makePipes() throws(JailError) -> (Pipe, Pipe, Pipe) {
        var made: [Pipe] = []
        do {
            for _ in 0..<3 { made.append(try Pipe()) }
        } catch {
            for pipe in made {
                pipe.closeReader()
                pipe.closeWriter()
            }
            throw error
        }
        return (made[0], made[1], made[2])
    }

    private func spawn(_ plan: JailPlan, in groups: [CInt]) throws(JailError) -> JailProcess {
        let block = try JailControl.encode(plan)
        let control = cjail_seal(block, block.count, "boathook-control", 0)
        guard control >= 0 else {
            throw JailError("control", String(cString: strerror(-control)))
        }
        defer { close(control) }
        let (output, error, status) = try Self.makePipes()
        defer { [output, error, status].forEach { $0.closeWriter() } }

        var pid: pid_t = 0
        var pidfd: CInt = -1
        let arguments =
            [plan.arguments.first ?? plan.tool, CJAIL_POISON] + plan.arguments.dropFirst()
        let environment = [CJAIL_ENV_PRELOAD, CJAIL_ENV_LOCALE, CJAIL_ENV_ZONE, CJAIL_ENV_PATH]
        let code = withCStrings(arguments) { arguments in
            withCStrings(environment) { environment in
                plan.tool.withCString { path in
                    groups.withUnsafeBufferPointer { groups in
                        var request = cjail_spawn(
                            path: path, arguments: arguments, environment: environment,
                            input: null, output: output.writer, error: error.writer,
                            control: control, status: status.writer, network: network,
                            library: library.descriptor, cgroups: groups.baseAddress,
                            cgroup_count: CInt(groups.count))
                        return cjail_spawn(&request, &pid, &pidfd)
                    }
                }
            }
        }
        guard code == 0 else {
            [output, error, status].forEach { $0.closeReader() }
            throw code < 0
                ? JailError("cgroup", String(cString: strerror(-code)))
                : JailError("spawn", "\(plan.tool): \(String(cString: strerror(code)))")
        }
        return JailProcess(
            pidfd: pidfd, stdout: output.reader, stderr: error.reader, status: status.reader)
    }
}

/// A NULL-terminated array of C strings for the time of `body`.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
    let copies = strings.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    let pointers: [UnsafePointer<CChar>?] = copies.map { UnsafePointer($0) } + [nil]
    return pointers.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else {
            preconditionFailure("the array has a NULL at least")
        }
        return body(base)
    }
}
