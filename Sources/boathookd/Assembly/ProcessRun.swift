import FoundationEssentials
import Glibc
import LogLine
import Logging
import ServiceLifecycle
import UnixSignals

/// What each long-running verb does the same way.
enum ProcessRun {
    /// Logs go to standard error, one line an event.
    static func logger(_ level: Logger.Level) -> Logger {
        LoggingSystem.bootstrap(LogLineHandler.standardError)
        var logger = Logger(label: "boathook")
        logger.logLevel = level
        return logger
    }

    /// The one line on standard output.
    static func announce(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = write(STDOUT_FILENO, bytes, bytes.count)
    }

    /// Runs the services until SIGTERM or SIGINT.
    static func run(_ services: [any Service], logger: Logger) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services + [StopDeadline()], logger: logger)
        configuration.gracefulShutdownSignals = [.sigterm, .sigint]
        try await ServiceGroup(configuration: configuration).run()
    }
}

/// A stop does not take longer than this: tools that still run die with the process, and the next start
/// tells their truth.
private struct StopDeadline: Service {
    func run() async throws {
        // A group that fails ends by its own error, and with that status.
        do { try await gracefulShutdown() } catch { return }
        Task.detached {
            // Outlives the group on purpose: it is what ends a group that does not end.
            try? await Task.sleep(for: .seconds(4))
            exit(0)
        }
    }
}
