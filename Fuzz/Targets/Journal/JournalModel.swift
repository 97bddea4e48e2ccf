internal import AgentLink

@testable internal import Agent

/// What a journal should know, by docs/link.md: a few lines that are plain to see.
struct JournalModel {
    private var open: [Int64: Journal.Entry] = [:]
    private var acknowledged: [Int64: Double] = [:]

    mutating func take(_ entry: Journal.Entry) {
        switch entry {
        case .intent(let id, _): open[id] = entry
        case .finished(let report): open[report.commandID] = entry
        case .acknowledged(let id, let time):
            open[id] = nil
            acknowledged[id] = time
        }
    }

    /// The same after a start at that time: an acknowledged id is known for a day.
    func reopened(at now: Double) -> JournalModel {
        var model = self
        model.acknowledged = acknowledged.filter { $0.value + 86_400 > now }
        return model
    }

    var leftovers: [Journal.Entry] { open.keys.sorted().compactMap { open[$0] } }

    func knows(_ id: Int64) -> Bool { open[id] != nil || acknowledged[id] != nil }

    func isAcknowledged(_ id: Int64) -> Bool { acknowledged[id] != nil }
}

extension JournalScript.Write {
    var entry: Journal.Entry {
        switch self {
        case .intend(let id, let time): .intent(commandID: id, at: time)
        case .finish(let report): .finished(report)
        case .acknowledge(let id, let time): .acknowledged(commandID: id, at: time)
        }
    }
}

extension JournalScript.Damage {
    /// Does it to the bytes of a journal; places count from the start, and again from there beyond the end.
    func damage(_ bytes: inout [UInt8]) {
        let end = bytes.count
        let place = { (place: Int) in place % (end + 1) }
        switch self {
        case .cut(let at, let zeros):
            bytes.removeSubrange(place(at)...)
            bytes += [UInt8](repeating: 0, count: zeros)
        case .repeatLine(let number):
            guard let line = Self.line(number, of: bytes) else { return }
            bytes.insert(contentsOf: bytes[line], at: Self.wholeCount(bytes))
        case .dropLine(let number):
            guard let line = Self.line(number, of: bytes) else { return }
            bytes.removeSubrange(line)
        case .flip(let bit):
            guard end > 0 else { return }
            bytes[bit / 8 % end] ^= 1 << (bit % 8)
        case .copy(let from, let count, let to):
            let piece = Array(bytes[place(from)...].prefix(count))
            bytes.insert(contentsOf: piece, at: place(to))
        case .remove(let at, let count):
            bytes.removeSubrange(place(at)..<min(end, place(at) + count))
        case .insert(let piece, let at):
            bytes.insert(contentsOf: piece, at: place(at))
        }
    }

    /// How many bytes are whole lines.
    static func wholeCount(_ bytes: [UInt8]) -> Int {
        bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    }

    private static func line(_ number: Int, of bytes: [UInt8]) -> Range<Int>? {
        let ends = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }
        guard !ends.isEmpty else { return nil }
        let index = number % ends.count
        return (index == 0 ? 0 : ends[index - 1] + 1)..<(ends[index] + 1)
    }
}
