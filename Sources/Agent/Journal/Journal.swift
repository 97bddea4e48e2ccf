internal import AgentLink
internal import FaultPoints
internal import FoundationEssentials

/// What this machine has promised about commands that change something: an append-only file, one JSON
/// object a line, which survives the agent.
///
/// * Before such a command starts, its intent is on the disk. So an agent that finds an intent without
///   an end knows that the command may have run, and never runs it again.
/// * Before its end is reported, the end is on the disk, and its output was before that.
/// * After the server has acknowledged it, its id is kept for a day: a late second copy of the same
///   order must not run.
///
/// Commands that only read leave nothing here; they may run again.
actor Journal {
    /// A line.
    enum Entry: Sendable, Hashable {
        /// The command is about to start; Unix seconds.
        case intent(commandID: Int64, at: Double)
        case finished(CommandFinished)
        case acknowledged(commandID: Int64, at: Double)

        var commandID: Int64 {
            switch self {
            case .intent(let id, _), .acknowledged(let id, _): id
            case .finished(let report): report.commandID
            }
        }
    }

    private var file: JournalFile
    private var done: [Int64: Double]
    private var open: [Int64: Entry]
    /// The newest time that was told to the journal; Unix seconds.
    private var now: Double

    /// Reads what is there, and goes on behind it.
    ///
    /// - Throws: ``SpoolError`` when the file cannot be read or written; ``DamagedJournal``. A last line that
    ///   was cut off by a crash is no error: whatever it was, nothing had happened yet because of it.
    init(path: String, now: Double) throws {
        var done: [Int64: Double] = [:]
        var open: [Int64: Entry] = [:]
        for entry in try Self.read(path) {
            switch entry {
            case .intent(let id, _): open[id] = entry
            case .finished(let report): open[report.commandID] = entry
            case .acknowledged(let id, let time):
                open[id] = nil
                done[id] = time
            }
        }
        done = done.filter { now - $0.value < Self.memorySeconds }
        self.done = done
        self.open = open
        self.now = now
        file = try JournalFile(path: path)
        if file.byteCount > JournalFile.pieceByteCount { try Self.makeRoom(&file, open, done) }
    }

    /// What a former agent left: intents without an end, and ends that nobody acknowledged.
    func leftovers() -> [Entry] {
        open.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Whether the command started here at any time that we remember.
    func knows(_ commandID: Int64) -> Bool {
        open[commandID] != nil || done[commandID] != nil
    }

    /// Whether the server has had the command's end from here.
    func isAcknowledged(_ commandID: Int64) -> Bool {
        done[commandID] != nil
    }

    /// Durable when it returns.
    func intend(_ commandID: Int64, at time: Double) throws {
        let entry = Entry.intent(commandID: commandID, at: time)
        now = max(now, time)
        try append(entry, durable: true)
        open[commandID] = entry
    }

    /// Durable when it returns.
    func finish(_ report: CommandFinished) throws {
        try append(.finished(report), durable: true)
        open[report.commandID] = .finished(report)
    }

    /// Need not be durable: at worst the report is repeated.
    func acknowledge(_ commandID: Int64, at time: Double) throws {
        now = max(now, time)
        open[commandID] = nil
        done[commandID] = time
        try append(.acknowledged(commandID: commandID, at: time), durable: false)
    }

    private func append(_ entry: Entry, durable: Bool) throws {
        let line = try Self.encode([entry])
        if file.isFull(for: line.count) {
            done = done.filter { now - $0.value < Self.memorySeconds }
            try Self.makeRoom(&file, open, done)
        }
        try file.append(line, durable: durable)
    }

    /// Writes the file anew without what is over, if that makes it much shorter; else lets it grow.
    private static func makeRoom(
        _ file: inout JournalFile, _ open: [Int64: Entry], _ done: [Int64: Double]
    ) throws {
        let entries =
            done.map { Entry.acknowledged(commandID: $0.key, at: $0.value) } + open.values
        let lines = try encode(entries)
        if lines.count <= file.byteCount / 2, (try? file.rewrite(lines)) != nil {
            FaultPoint.journalRewritten.reached()
        } else {
            file.reserve(atLeast: file.byteCount)
        }
    }

    private static func read(_ path: String) throws -> [Entry] {
        let data = try JournalFile.contents(path)
        // What follows the last line feed was cut off by a crash.
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return try lines.dropLast().map { line in
            do {
                guard JournalSeal.isWhole(line) else { throw DamagedJournal(path: path) }
                return try JSONDecoder().decode(Entry.self, from: Data(line))
            } catch {
                throw DamagedJournal(path: path)
            }
        }
    }

    private static func encode(_ entries: [Entry]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var bytes: [UInt8] = []
        for entry in entries {
            bytes.append(contentsOf: JournalSeal.seal(Array(try encoder.encode(entry))))
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }

    /// How long an acknowledged id is remembered, in seconds.
    private static let memorySeconds = 86_400.0
}

/// A whole line of the journal is none of ours: which commands ran is not known any more, and the agent
/// does not start until a person has looked.
struct DamagedJournal: Error, CustomStringConvertible {
    let path: String

    var description: String {
        "\(path) is damaged: move it away once you know that no command in it may run again"
    }
}

extension Journal.Entry: Codable {
    private enum CodingKeys: String, CodingKey { case intent, acknowledged, at, finished }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let report = try container.decodeIfPresent(CommandFinished.self, forKey: .finished) {
            self = .finished(report)
            return
        }
        let time = try container.decode(Double.self, forKey: .at)
        if let id = try container.decodeIfPresent(Int64.self, forKey: .intent) {
            self = .intent(commandID: id, at: time)
        } else {
            let id = try container.decode(Int64.self, forKey: .acknowledged)
            self = .acknowledged(commandID: id, at: time)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .intent(let id, let time):
            try container.encode(id, forKey: .intent)
            try container.encode(time, forKey: .at)
        case .finished(let report):
            try container.encode(report, forKey: .finished)
        case .acknowledged(let id, let time):
            try container.encode(id, forKey: .acknowledged)
            try container.encode(time, forKey: .at)
        }
    }
}
