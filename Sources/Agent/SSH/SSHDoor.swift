internal import Logging
internal import NIOConcurrencyHelpers

/// One instance's SSH server: begun, begun again when it ends, and ended.
final class SSHDoor: Sendable {
    let instance: Int64
    let port: Int
    private let folder: SSHFolder
    private let settings: SSHSettings
    private let history: InstanceHistory
    private let logger: Logger
    private let state = NIOLockedValueBox(State())

    private struct State {
        var isClosed = false
        var process: AttendedProcess?
    }

    init(
        instance: Int64, port: Int, folder: SSHFolder, settings: SSHSettings,
        history: InstanceHistory, logger: Logger
    ) {
        self.instance = instance
        self.port = port
        self.folder = folder
        self.settings = settings
        self.history = history
        var logger = logger
        logger[metadataKey: "boathook.instance.id"] = "\(instance)"
        self.logger = logger
    }

    /// Nobody gets in any more; logins that are open stay open.
    func close() {
        state.withLockedValue { state in
            state.isClosed = true
            state.process?.end()
        }
    }

    /// Keeps a server running until the door is closed or the task is cancelled, and returns when there is none.
    ///
    /// - Parameter agent: This process.
    func run(agent: Int32) async {
        await withTaskCancellationHandler {
            let arguments = SSHLauncher.arguments(
                server: settings.server, configuration: folder.configuration(of: instance),
                folder: folder, agent: agent)
            var pause = Self.shortestPause
            while let process = begin() {
                let started = ContinuousClock.now
                let status = await process.run(SSHLauncher.program, arguments, line: note)
                if isClosed { return }
                if .now - started > .seconds(60) { pause = Self.shortestPause }
                logger.warning(
                    "ssh server ended",
                    metadata: [
                        "port": "\(port)", "status": "\(status.map(String.init) ?? "not begun")",
                    ])
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, Self.longestPause)
            }
        } onCancel: {
            close()
        }
    }

    private var isClosed: Bool { state.withLockedValue { $0.isClosed } }

    /// The next process; nil when the door is closed.
    private func begin() -> AttendedProcess? {
        state.withLockedValue { state in
            state.process = state.isClosed ? nil : AttendedProcess()
            return state.process
        }
    }

    /// Takes a line of sshd's; strangers cause most of them.
    private func note(_ line: String) {
        if line.hasPrefix("Accepted ") {
            logger.info("ssh login", metadata: ["login": "\(line)"])
            history.note("ssh: \(line)", instance: instance)
        } else if line.hasPrefix("fatal: ") || line.hasPrefix("error: Bind ")
            || line.hasPrefix("Cannot bind")
        {
            logger.warning("ssh server", metadata: ["line": "\(line)"])
        } else {
            logger.debug("ssh server", metadata: ["line": "\(line)"])
        }
    }

    private static let shortestPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(5)
}
