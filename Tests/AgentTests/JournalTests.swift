import AgentLink
import Foundation
import Testing

@testable import Agent

@Suite struct JournalTests {
    static let finished = CommandFinished(commandID: 2, outcome: .exited, exitCode: 0)

    @Test func `what was intended and not ended is left over, and so is an end that nobody took`()
        async throws
    {
        try await withFolder { folder in
            let journal = try Journal(path: folder + "/journal", now: 100)
            try await journal.intend(1, at: 10)
            try await journal.intend(2, at: 11)
            try await journal.finish(Self.finished)
            try await journal.intend(3, at: 12)
            try await journal.finish(CommandFinished(commandID: 3, outcome: .exited))
            try await journal.acknowledge(3, at: 99)

            let again = try Journal(path: folder + "/journal", now: 101)
            #expect(
                await again.leftovers() == [
                    .intent(commandID: 1, at: 10), .finished(Self.finished),
                ])
            for id in [1, 2, 3] as [Int64] { #expect(await again.knows(id)) }
            #expect(await !again.knows(4))
        }
    }

    @Test func `an acknowledged command is known for a day`() async throws {
        try await withFolder { folder in
            let journal = try Journal(path: folder + "/journal", now: 0)
            try await journal.intend(1, at: 0)
            try await journal.acknowledge(1, at: 0)
            let sameDay = try Journal(path: folder + "/journal", now: 86_399)
            #expect(await sameDay.knows(1))
            let nextDay = try Journal(path: folder + "/journal", now: 86_401)
            #expect(await !nextDay.knows(1))
        }
    }

    @Test func `a line that a crash cut off is no obstacle`() async throws {
        try await withFolder { folder in
            let path = folder + "/journal"
            let journal = try Journal(path: path, now: 0)
            try await journal.intend(1, at: 10)
            let whole = try #require(FileManager.default.contents(atPath: path))
            try await journal.intend(2, at: 11)
            let longer = try #require(FileManager.default.contents(atPath: path))
            for length in whole.count..<(longer.count - 1) {
                try longer.prefix(length).write(to: URL(filePath: path))
                let again = try Journal(path: path, now: 0)
                #expect(await again.leftovers() == [.intent(commandID: 1, at: 10)])
            }
        }
    }

    @Test func `a whole line that is none of ours stops the start`() async throws {
        try await withFolder { folder in
            let path = folder + "/journal"
            let journal = try Journal(path: path, now: 0)
            try await journal.intend(1, at: 10)
            var bytes = try #require(FileManager.default.contents(atPath: path))
            bytes.append(Data("{\"intent\":2}{\"at\":1,\"intent\":3}\n".utf8))
            try bytes.write(to: URL(filePath: path))
            #expect(throws: DamagedJournal.self) { try Journal(path: path, now: 0) }
        }
    }

    /// On a file system of two pages (tmpfs(5); tests run as root): half a line must not swallow the next.
    @Test func `a full disk spoils neither what was kept nor what comes after it`() async throws {
        try await withFolder { folder in
            try Self.mount(["-t", "tmpfs", "-o", "size=8k", "boathook-test", folder])
            defer { try? Self.mount([], folder: folder) }
            let journal = try Journal(path: folder + "/journal", now: 0)
            let filler = folder + "/filler"
            #expect(
                FileManager.default.createFile(atPath: filler, contents: Data(count: 4096)))
            var kept: [Int64] = []
            for id in 1...400 as ClosedRange<Int64> {
                do {
                    try await journal.intend(id, at: Double(id))
                    kept.append(id)
                } catch {
                    break
                }
            }
            #expect((1..<400).contains(kept.count), "the disk was full at some time")
            try FileManager.default.removeItem(atPath: filler)
            try await journal.intend(1000, at: 1000)
            let again = try Journal(path: folder + "/journal", now: 0)
            let leftovers = await again.leftovers()
            #expect(leftovers == (kept + [1000]).map { .intent(commandID: $0, at: Double($0)) })
        }
    }

    /// The moment when people need `rm`: the journal has space that nobody else can take.
    @Test func `intents are kept on a full disk, for as long as it takes, and after a restart`()
        async throws
    {
        try await withFullDisk { folder, fill in
            let path = folder + "/journal"
            var journal = try Journal(path: path, now: 0)
            try fill()
            for id in 1...5000 as ClosedRange<Int64> {
                try await journal.intend(id, at: 1)
                try await journal.finish(CommandFinished(commandID: id, outcome: .exited))
                // A day passes, so that there is something to forget.
                try await journal.acknowledge(id, at: Double(id) * 1000)
                if id % 1000 == 0 { journal = try Journal(path: path, now: Double(id) * 1000) }
            }
            try await journal.intend(6000, at: 1)
            let again = try Journal(path: path, now: 0)
            #expect(await again.leftovers() == [.intent(commandID: 6000, at: 1)])
            #expect(await again.knows(5000))
        }
    }

    @Test func `a long journal of days ago is short after the next start`() async throws {
        try await withFolder { folder in
            let path = folder + "/journal"
            var entries = (1...10_000).map { #"{"acknowledged":\#($0),"at":1}"# }
            entries.append(#"{"at":2,"intent":7777777}"#)
            let lines = entries.flatMap {
                JournalSeal.seal(Array($0.utf8)) + [UInt8(ascii: "\n")]
            }
            try Data(lines).write(to: URL(filePath: path))
            let journal = try Journal(path: path, now: 100_000)
            #expect(try #require(FileManager.default.contents(atPath: path)).count < 100)
            #expect(await journal.leftovers() == [.intent(commandID: 7_777_777, at: 2)])
        }
    }

    @Test func `a journal that was written anew knows the same`() async throws {
        try await withFolder { folder in
            let path = folder + "/journal"
            let journal = try Journal(path: path, now: 0)
            for id in 1...3000 as ClosedRange<Int64> {
                try await journal.intend(id, at: 1)
                try await journal.finish(CommandFinished(commandID: id, outcome: .exited))
                if id != 7 { try await journal.acknowledge(id, at: 1) }
            }
            let size = try #require(FileManager.default.contents(atPath: path)).count
            #expect(size < 400_000, "it was written anew")
            let again = try Journal(path: path, now: 2)
            #expect(await again.leftovers().map(\.commandID) == [7])
            for id in [1, 7, 3000] as [Int64] { #expect(await again.knows(id)) }
            #expect(await again.isAcknowledged(1))
            #expect(await !again.isAcknowledged(7))
        }
    }

    private static func mount(_ arguments: [String], folder: String? = nil) throws {
        let process = Process()
        process.executableURL = URL(filePath: folder == nil ? "/usr/bin/mount" : "/usr/bin/umount")
        process.arguments = folder.map { ["--lazy", $0] } ?? arguments
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    @Test func `a journal that cannot be written is an error, not silence`() async throws {
        #expect(throws: (any Error).self) { try Journal(path: "/proc/no/journal", now: 0) }
        // A device that is always full: the intent must not seem to be kept.
        try await withFolder { folder in
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/journal", withDestinationPath: "/dev/full")
            await #expect(throws: (any Error).self) {
                let journal = try Journal(path: folder + "/journal", now: 0)
                try await journal.intend(1, at: 0)
            }
        }
    }
}

func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
}

func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.path)
}

/// On a file system of its own (ext4 in a file; tests run as root), which `fill` fills to the last byte.
func withFullDisk(
    _ body: (_ folder: String, _ fill: () throws -> Void) async throws -> Void
) async throws {
    try await withFolder { folder in
        let (image, point) = (folder + "/image", folder + "/mounted")
        try run("/usr/bin/truncate", "--size", "32M", image)
        try run("/usr/sbin/mkfs.ext4", "-q", "-F", image)
        try run("/usr/bin/mkdir", point)
        try run("/usr/bin/mount", "-o", "loop", image, point)
        defer { try? run("/usr/bin/umount", "--lazy", point) }
        try await body(point) {
            // Each ends when there is no more space, with that as its status.
            try run("/usr/bin/dd", "if=/dev/zero", "of=\(point)/filler", "bs=64k", status: 1)
            try run("/usr/bin/dd", "if=/dev/zero", "of=\(point)/last", "bs=1", status: 1)
        }
    }
}

private func run(_ program: String, _ arguments: String..., status: Int32 = 0) throws {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == status, "\(program) \(arguments)")
}
