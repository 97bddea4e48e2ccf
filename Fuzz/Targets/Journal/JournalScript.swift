internal import AgentLink

/// What is written to a journal, and what happens to the file then: read from the fuzzer's bytes.
struct JournalScript {
    enum Write {
        case intend(Int64, at: Double)
        case finish(CommandFinished)
        case acknowledge(Int64, at: Double)
    }

    enum Damage {
        /// The file ends there, and zeros may follow: what a loss of power leaves.
        case cut(at: Int, zeros: Int)
        /// A whole line stands twice, or is gone.
        case repeatLine(Int)
        case dropLine(Int)
        /// What no crash does, but a disk or a hand may.
        case flip(bit: Int)
        case copy(from: Int, count: Int, to: Int)
        case remove(at: Int, count: Int)
        case insert([UInt8], at: Int)

        /// Whether each line is still one that was written, or an unfinished one at the end.
        var keepsLines: Bool {
            switch self {
            case .cut, .repeatLine, .dropLine: true
            case .flip, .copy, .remove, .insert: false
            }
        }
    }

    /// Ids are few, so that they meet.
    static let ids: Range<Int64> = 1..<9

    private(set) var writes: [Write] = []
    private(set) var damages: [Damage] = []
    /// When the journal is opened again; Unix seconds.
    let reopened: Double

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        var source = ByteSource(bytes)
        var latest = Self.time(&source)
        for _ in 0..<(source.byte() % 12) { writes.append(Self.write(&source)) }
        // A journal that is written anew forgets by the newest time that it was told, so no clock goes back.
        for case .intend(_, let time) in writes { latest = max(latest, time) }
        for case .acknowledge(_, let time) in writes { latest = max(latest, time) }
        reopened = latest
        for _ in 0..<(source.byte() % 4) { damages.append(Self.damage(&source)) }
    }

    private static func time(_ source: inout ByteSource) -> Double {
        // Up to three days in steps of a quarter of an hour.
        Double(source.byte()) * 900 + 0.25
    }

    private static func write(_ source: inout ByteSource) -> Write {
        let kind = source.byte()
        let id = ids.lowerBound + Int64(source.byte() % UInt8(ids.count))
        switch kind % 3 {
        case 0: return .intend(id, at: time(&source))
        case 1: return .acknowledge(id, at: time(&source))
        default:
            let outcomes: [CommandFinished.Outcome] = [.exited, .signalled, .cancelled, .lost]
            let outcome = outcomes[Int(kind / 3) % outcomes.count]
            var note = String(decoding: source.bytes(Int(source.byte() % 16)), as: UTF8.self)
            // Some are long enough to fill the file, so that it is written anew.
            if kind >= 250 { note = String(repeating: "long ", count: 13_000) }
            return .finish(
                CommandFinished(
                    commandID: id, outcome: outcome, exitCode: outcome == .exited ? 0 : nil,
                    note: note.utf8.isEmpty ? nil : note, stdoutBytes: Int64(kind)))
        }
    }

    private static func damage(_ source: inout ByteSource) -> Damage {
        switch source.byte() % 8 {
        case 0: .cut(at: source.place(), zeros: 0)
        case 1: .cut(at: source.place(), zeros: Int(source.byte()))
        case 2: .repeatLine(Int(source.byte()))
        case 3: .dropLine(Int(source.byte()))
        case 4: .flip(bit: source.place())
        case 5: .copy(from: source.place(), count: Int(source.byte()), to: source.place())
        case 6: .remove(at: source.place(), count: Int(source.byte()))
        default: .insert(source.bytes(Int(source.byte() % 32)), at: source.place())
        }
    }
}

/// Bytes one after the other; zeros when there are no more.
struct ByteSource {
    private var rest: Slice<UnsafeBufferPointer<UInt8>>

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        rest = bytes[...]
    }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    mutating func place() -> Int { Int(byte()) << 8 | Int(byte()) }

    mutating func bytes(_ count: Int) -> [UInt8] {
        let bytes = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
        return bytes
    }
}
