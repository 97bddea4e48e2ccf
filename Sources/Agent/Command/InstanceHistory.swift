internal import FoundationEssentials
internal import NIOConcurrencyHelpers

/// What this agent did with each instance, in words for its owner: what `daemon_logs` shows.
///
/// In memory, and bounded: an agent that starts anew begins a new one.
final class InstanceHistory: Sendable {
    private struct Entry {
        var lines: [String] = []
        var lastNote: UInt64 = 0
    }

    private struct State {
        var entries: [Int64: Entry] = [:]
        var noteCount: UInt64 = 0
    }

    private let state = NIOLockedValueBox(State())

    init() {}

    /// Adds a line; the oldest of too many goes, and so does the instance of which nothing was noted for longest.
    ///
    /// - Parameters:
    ///   - text: One line; its owner reads it. Longer ones are cut.
    ///   - instance: The server's id of it.
    func note(_ text: String, instance: Int64) {
        let line = Self.line(text, at: Date())
        state.withLockedValue { state in
            state.noteCount += 1
            var entry = state.entries[instance] ?? Entry()
            entry.lines.append(line)
            if entry.lines.count > Self.maximumLineCount { entry.lines.removeFirst() }
            entry.lastNote = state.noteCount
            state.entries[instance] = entry
            guard state.entries.count > Self.maximumInstanceCount,
                let oldest = state.entries.min(by: { $0.value.lastNote < $1.value.lastNote })
            else { return }
            state.entries[oldest.key] = nil
        }
    }

    /// All that is known, oldest first; each line without an end.
    func lines(instance: Int64) -> [String] {
        state.withLockedValue { $0.entries[instance]?.lines ?? [] }
    }

    /// One line whatever the text is: parts of it come from engines and registries.
    private static func line(_ text: String, at time: Date) -> String {
        var line = time.formatted(.iso8601) + " "
        for scalar in text.unicodeScalars {
            guard line.utf8.count + 4 <= maximumLineByteCount else { break }
            let isControl = scalar.properties.generalCategory == .control
            line.unicodeScalars.append(isControl ? " " : scalar)
        }
        return line
    }

    static let maximumLineCount = 500
    static let maximumLineByteCount = 1024
    static let maximumInstanceCount = 1000
}
