internal import AgentLink
internal import FuzzSupport
internal import Glibc

@testable internal import Agent

/// A journal that is written, damaged and opened again: it knows what was written, or says that it is damaged.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzJournal(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let script = JournalScript(UnsafeBufferPointer(start: bytes, count: count))
    let done = Signal()
    Task.detached {
        await run(script)
        done.set()
    }
    done.wait()
    return 0
}

/// Whether a line says by itself that it is as it was written.
///
/// Today it does not: a flipped bit in a number makes another record, and nothing can tell. With it, no damage
/// may make a record that was not written.
private let linesAreSealed = true

private func run(_ script: JournalScript) async {
    let file = JournalOnDisk()
    do {
        let model = try await write(script, to: file)
        let whole = file.bytes
        try await check(file, knows: model.reopened(at: script.reopened), at: script.reopened)
        await damage(script, whole, file)
    } catch {
        finding("an undamaged journal is refused: \(error)")
    }
}

private func write(_ script: JournalScript, to file: JournalOnDisk) async throws -> JournalModel {
    file.bytes = []
    return try await write(script, to: Journal(path: file.path, now: 0))
}

private func write(
    _ script: JournalScript, to journal: isolated Journal
) throws -> JournalModel {
    var model = JournalModel()
    for write in script.writes {
        switch write {
        case .intend(let id, let time): try journal.intend(id, at: time)
        case .finish(let report): try journal.finish(report)
        case .acknowledge(let id, let time): try journal.acknowledge(id, at: time)
        }
        model.take(write.entry)
    }
    require(journal.leftovers() == model.leftovers, "what is open is not what was written")
    return model
}

private func check(_ file: JournalOnDisk, knows model: JournalModel, at now: Double) async throws {
    await compare(try Journal(path: file.path, now: now), model)
}

private func compare(_ journal: isolated Journal, _ model: JournalModel) {
    require(journal.leftovers() == model.leftovers, "other ends are left over than were written")
    for id in JournalScript.ids {
        require(journal.knows(id) == model.knows(id), "command \(id) is forgotten or made up")
        require(
            journal.isAcknowledged(id) == model.isAcknowledged(id),
            "the acknowledgement of \(id) is forgotten or made up")
    }
}

private func damage(_ script: JournalScript, _ whole: [UInt8], _ file: JournalOnDisk) async {
    guard !script.damages.isEmpty else { return }
    var bytes = whole
    for damage in script.damages { damage.damage(&bytes) }
    file.bytes = bytes
    let now = script.reopened
    do {
        if script.damages.count == 1, case .cut = script.damages[0],
            let model = cutModel(script, whole, bytes)
        {
            try await check(file, knows: model.reopened(at: now), at: now)
        }
        let journal = try Journal(path: file.path, now: now)
        let left = await journal.leftovers()
        if linesAreSealed || script.damages.allSatisfy(\.keepsLines) {
            let written = Set(script.writes.map(\.entry))
            require(written.isSuperset(of: left), "a record is made up")
        }
        // It goes on: the next record is not lost in what was damaged.
        try await journal.intend(99, at: now)
        let again = try Journal(path: file.path, now: now)
        var expected = left.filter { $0.commandID != 99 } + [.intent(commandID: 99, at: now)]
        expected.sort { $0.commandID < $1.commandID }
        require(await again.leftovers() == expected, "what follows damage is not what was written")
    } catch is DamagedJournal {
        require(
            !script.damages.allSatisfy(\.keepsLines), "a loss of power is taken for damage")
    } catch {
        finding("a journal cannot be opened: \(error)")
    }
}

/// What the lines that are left say; nil when the file was written anew, and its lines are in another order.
private func cutModel(
    _ script: JournalScript, _ whole: [UInt8], _ cut: [UInt8]
) -> JournalModel? {
    let lineFeed = UInt8(ascii: "\n")
    guard whole.filter({ $0 == lineFeed }).count == script.writes.count else { return nil }
    var model = JournalModel()
    for write in script.writes.prefix(cut.filter({ $0 == lineFeed }).count) {
        model.take(write.entry)
    }
    return model
}
