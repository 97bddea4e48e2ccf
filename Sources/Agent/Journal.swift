internal import AgentLink
internal import FoundationEssentials
internal import Glibc

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
    }

    private let path: String
    private let descriptor: CInt
    /// Bytes of the file that are whole lines.
    private var length: off_t
    private var done: [Int64: Double]
    private var open: [Int64: Entry]

    /// Reads what is there, and goes on behind it; a long file is first written anew without what is old.
    ///
    /// - Throws: ``SpoolError`` when the file cannot be read or written. A last line that was cut off by
    ///   a crash is no error: whatever it was, nothing had happened yet because of it.
    init(path: String, now: Double) throws {
        self.path = path
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
        let size = try Self.size(path)
        // Writing it anew needs space, which there may be none of: then it goes on as it is.
        if size > Self.compactionByteCount,
            let descriptor = try? Self.rewrite(path, open: open, done: done)
        {
            self.descriptor = descriptor
        } else {
            descriptor = try Self.openForAppending(path)
        }
        length = lseek(descriptor, 0, SEEK_END)
    }

    deinit {
        close(descriptor)
    }

    /// What a former agent left: intents without an end, and ends that nobody acknowledged.
    func leftovers() -> [Entry] {
        open.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Whether the command started here at any time that we remember.
    func knows(_ commandID: Int64) -> Bool {
        open[commandID] != nil || done[commandID] != nil
    }

    /// Durable when it returns.
    func intend(_ commandID: Int64, at time: Double) throws {
        let entry = Entry.intent(commandID: commandID, at: time)
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
        try append(.acknowledged(commandID: commandID, at: time), durable: false)
        open[commandID] = nil
        done[commandID] = time
    }

    private func append(_ entry: Entry, durable: Bool) throws {
        do {
            try Self.write([entry], to: descriptor)
            guard !durable || fdatasync(descriptor) == 0 else {
                throw SpoolError("fdatasync", errno)
            }
        } catch {
            // Half a line must not stay, or the next would be a part of it and lost with it.
            guard ftruncate(descriptor, length) == 0 else {
                preconditionFailure(
                    "the journal cannot be mended; the next start reads what is whole")
            }
            throw error
        }
        length = lseek(descriptor, 0, SEEK_END)
    }

    private static func read(_ path: String) throws -> [Entry] {
        let data = try contents(path)
        // What follows the last line feed was cut off by a crash.
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return try lines.dropLast().map { line in
            do {
                return try JSONDecoder().decode(Entry.self, from: Data(line))
            } catch {
                throw DamagedJournal(path: path)
            }
        }
    }

    /// All bytes of the file; none when there is no such file.
    private static func contents(_ path: String) throws -> [UInt8] {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            guard errno == ENOENT else { throw SpoolError("open", errno) }
            return []
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SpoolError("read", errno) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    private static func size(_ path: String) throws -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else {
            guard errno == ENOENT else { throw SpoolError("stat", errno) }
            return 0
        }
        return Int(status.st_size)
    }

    /// The file that is there, without a last line that was cut off, or an empty one; durable by name.
    private static func openForAppending(_ path: String) throws -> CInt {
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW
        let descriptor = Glibc.open(path, flags, 0o600)
        guard descriptor >= 0 else { throw SpoolError("open", errno) }
        let data = try contents(path)
        let whole = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        guard ftruncate(descriptor, off_t(whole)) == 0, fsync(descriptor) == 0 else {
            throw SpoolError("ftruncate", errno)
        }
        try flushFolder(of: path)
        return descriptor
    }

    /// A fresh file under the same name, durable before it takes the old one's place.
    private static func rewrite(
        _ path: String, open: [Int64: Entry], done: [Int64: Double]
    ) throws -> CInt {
        let fresh = path + ".new"
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC
        let descriptor = Glibc.open(fresh, flags, 0o600)
        guard descriptor >= 0 else { throw SpoolError("open", errno) }
        let entries =
            done.map { Entry.acknowledged(commandID: $0.key, at: $0.value) } + open.values
        try write(entries, to: descriptor)
        guard fsync(descriptor) == 0, rename(fresh, path) == 0 else {
            throw SpoolError("rename", errno)
        }
        try flushFolder(of: path)
        return descriptor
    }

    private static func flushFolder(of path: String) throws {
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        let directory = Glibc.open("/" + folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw SpoolError("open", errno) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw SpoolError("fsync", errno) }
    }

    private static func write(_ entries: [Entry], to descriptor: CInt) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var bytes: [UInt8] = []
        for entry in entries {
            bytes.append(contentsOf: try encoder.encode(entry))
            bytes.append(UInt8(ascii: "\n"))
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw SpoolError("write", errno)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// A file over this is written anew at the start, in bytes.
    private static let compactionByteCount = 1 << 18
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
