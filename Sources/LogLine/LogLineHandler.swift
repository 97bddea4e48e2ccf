internal import FoundationEssentials
package import Logging

/// Writes every event as one line: `time=… level=… event=…`, then the metadata by key.
///
/// What callers, containers and engines send cannot end a line or begin one, and what has the shape of a
/// secret is taken out.
package struct LogLineHandler: LogHandler {
    package var logLevel: Logger.Level = .info
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let write: @Sendable (String) -> Void
    private let now: @Sendable () -> Double

    /// - Parameters:
    ///   - now: Unix seconds.
    ///   - write: Gets each line, with its line feed; at most ``maximumByteCount`` bytes.
    package init(
        now: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 },
        write: @escaping @Sendable (String) -> Void
    ) {
        self.now = now
        self.write = write
    }

    /// To standard error; for `LoggingSystem.bootstrap`.
    package static func standardError(_: String) -> LogLineHandler {
        LogLineHandler(write: StandardError.write)
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let explicit = event.metadata { all.merge(explicit) { $1 } }
        if let error = event.error { all["error"] = "\(error)" }
        var pairs = [
            ("time", LogLine.time(now())), ("level", event.level.rawValue),
            ("event", SecretMask.masked(event.message.description)),
        ]
        let own = Set(pairs.map(\.0))
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            pairs.append(
                (own.contains(key) ? "metadata.\(key)" : key, SecretMask.masked("\(value)")))
        }
        write(
            LogLine.text(
                pairs, valueLimit: Self.valueByteCount, limit: Self.maximumByteCount - 1) + "\n")
    }

    /// Of a line, its line feed included.
    ///
    /// As much as a pipe takes undivided (PIPE_BUF, pipe(7)), so that lines of several processes do not mix.
    /// Journald, too, divides a line, but only beyond 48 KiB (`LineMax=`, journald.conf(5)).
    package static let maximumByteCount = 4096
    /// Of a value, so that one long text does not push the others out.
    private static let valueByteCount = 1024
}
