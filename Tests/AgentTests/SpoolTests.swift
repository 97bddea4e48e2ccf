import AgentLink
import ContainerEngine
import Foundation
import Jail
import Testing

@testable import Agent

@Suite struct SpoolTests {
    @Test func `a spool recovers to its last whole frame`() throws {
        try withFolder { folder in
            let spools = try SpoolFolder(path: folder + "/spool", reserveCount: 0)
            let file = try spools.create(1)
            try Self.write(to: file)
            let whole = try #require(FileManager.default.contents(atPath: file.path))
            let full = SpooledOutput.recover(file)
            #expect(full.output.byteCount == whole.count)
            #expect(full.stdout == 5)
            #expect(full.stderr == 3)
            try whole.dropLast().write(to: URL(filePath: file.path))
            let cut = SpooledOutput.recover(file)
            #expect(cut.stdout == 5)
            #expect(cut.stderr == 0)
            #expect(cut.output.byteCount == 10)
            #expect(SpooledOutput.recover(spools.leftover(2)).output.byteCount == 0)
        }
    }

    @Test func `a file with space of its own recovers likewise, and is blank for the next`()
        throws
    {
        try withFolder { folder in
            let spools = try SpoolFolder(path: folder + "/spool", reserveCount: 1)
            for id in 1...3 as ClosedRange<Int64> {
                let file = try spools.create(id)
                #expect(SpooledOutput.recover(file).output.byteCount == 0)
                try Self.write(to: file)
                #expect(SpooledOutput.recover(file).stdout == 5)
                file.discard()
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/spool")
            #expect(names == [".reserve-0"])
        }
    }

    @Test func `a file is not another's while somebody reads it`() throws {
        try withFolder { folder in
            let spools = try SpoolFolder(path: folder + "/spool", reserveCount: 1)
            let file = try spools.create(1)
            try Self.write(to: file)
            let reader = try #require(SpoolReader(file))
            file.discard()
            let second = try spools.create(2)
            try Array("other".utf8).withUnsafeBytes { bytes in
                var spool = try OutputSpool(second, live: LiveOutput())
                try spool.append(.stdout, bytes)
            }
            #expect(reader.read(5, at: OutputFrame.headByteCount) == Array("hello".utf8))
        }
    }

    @Test func `a second start of the same command has a file of its own`() throws {
        try withFolder { folder in
            let spools = try SpoolFolder(path: folder + "/spool", reserveCount: 2)
            var first: SpoolFile? = try spools.create(1)
            try Self.write(to: try #require(first))
            first?.discard()
            let second = try spools.create(1)
            try Self.write(to: second)
            first = nil
            #expect(SpooledOutput.recover(second).stdout == 5)
        }
    }

    @Test func `a start on a full disk takes up the blocks of what was left`() async throws {
        try await withFullDisk { folder, fill in
            let former = try SpoolFolder(path: folder + "/spool", reserveCount: 2)
            try former.removeLeftovers(except: [])
            for id in 1...2 as ClosedRange<Int64> { try Self.write(to: former.create(id)) }
            try fill()
            let spools = try SpoolFolder(path: folder + "/spool", reserveCount: 2)
            try spools.removeLeftovers(except: [])
            for id in 3...4 as ClosedRange<Int64> {
                var spool = try OutputSpool(spools.create(id), live: LiveOutput())
                let piece = [UInt8](repeating: 7, count: 900_000)
                try piece.withUnsafeBytes { try spool.append(.stdout, $0) }
            }
        }
    }

    @Test func `what a former agent left goes, but for what is still to be handed over`() throws {
        try withFolder { folder in
            let former = try SpoolFolder(path: folder + "/spool", reserveCount: 1)
            for id in 1...3 as ClosedRange<Int64> { try Self.write(to: former.create(id)) }
            let spools = try SpoolFolder(path: folder + "/spool", reserveCount: 1)
            try spools.removeLeftovers(except: [2])
            let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/spool")
            #expect(names.sorted() == [".reserve-0", "2"])
        }
    }

    @Test func `outputs have space on a full disk, one after the other`() async throws {
        try await withFullDisk { folder, fill in
            let spools = try SpoolFolder(path: folder + "/spool", reserveCount: 2)
            try spools.removeLeftovers(except: [])
            try fill()
            let piece = [UInt8](repeating: 7, count: 60_000)
            for id in 1...50 as ClosedRange<Int64> {
                let file = try spools.create(id)
                var spool = try OutputSpool(file, live: LiveOutput())
                for _ in 0..<16 { try piece.withUnsafeBytes { try spool.append(.stdout, $0) } }
                try spool.flush()
                #expect(SpooledOutput.recover(file).stdout == 960_000)
                if id == 50 {
                    // More than it owns: an error, not silence.
                    #expect(throws: SpoolError.self) {
                        for _ in 0..<16 {
                            try piece.withUnsafeBytes { try spool.append(.stdout, $0) }
                        }
                    }
                }
                file.discard()
            }
        }
    }

    @Test func `a follower gets all from its byte on, while it is written and after`() async throws
    {
        try await withFolder { folder in
            let spools = try SpoolFolder(path: folder + "/spool", reserveCount: 1)
            let live = LiveOutput()
            async let early = Self.follow(live, from: 3)
            let file = try spools.create(1)
            live.begin(file, run: "r")
            try Self.write(to: file, live: live)
            live.end()
            #expect(try await early == "lo|oh\n")
            #expect(try await Self.follow(live, from: 0) == "hello|oh\n")
            #expect(try await Self.follow(live, from: 6) == "h\n")
            #expect(try await Self.follow(live, from: 8) == "")
            live.forget()
            #expect(await FollowedOutput.of(live, from: 0) == nil)
        }
    }

    @Test func `streams that take turns too often are cut, and what there was is kept`()
        async throws
    {
        try await withFolder { folder in
            let spools = try SpoolFolder(path: folder + "/spool", reserveCount: 1)
            let file = try spools.create(1)
            let spool = EngineSpool(
                try OutputSpool(file, live: LiveOutput(), runLimit: 3), limit: .max)
            let pieces = EngineSpool.Pieces { continuation in
                for text in ["1a", "1b", "2c", "1d", "1e", "2f", "1g"] {
                    let bytes = Array(text.utf8.dropFirst())
                    continuation.yield((text.hasPrefix("1") ? .stdout : .stderr, bytes))
                }
                continuation.finish()
            }
            let stop = await spool.take(
                pieces, wallTime: .seconds(3600), cancellation: JailCancellation())
            guard case .notKept(.tooManyRuns) = stop else {
                Issue.record("it was not cut, but \(String(describing: stop))")
                return
            }
            let counts = await spool.counts()
            #expect(counts.stdout == 4 && counts.stderr == 1)
            let kept = SpooledOutput.recover(file)
            #expect(kept.stdout == 4 && kept.stderr == 1 && kept.sha256 == counts.sha256)
            #expect("\(SpoolError.tooManyRuns)".contains("262144 times"))
        }
    }

    @Test func `a follower that stops lets go`() async throws {
        try await withFolder { folder in
            let spools = try SpoolFolder(path: folder + "/spool", reserveCount: 1)
            let live = LiveOutput()
            live.begin(try spools.create(1), run: "r")
            let output = try #require(await FollowedOutput.of(live, from: 0))
            async let rest = Array(output)
            output.stop()
            // Signs of life may come before, and no byte.
            let signOfLife = OutputFrame.head(stream: .stdout, count: 0)
            #expect(try await rest.allSatisfy { $0 == signOfLife })
        }
    }

    /// The frames' bytes, with a bar between two of different streams.
    private static func follow(_ live: LiveOutput, from offset: Int64) async throws -> String {
        var decoder = OutputFrameDecoder()
        var text = ""
        var last: OutputFrame.Stream?
        guard let output = await FollowedOutput.of(live, from: offset) else { return "none" }
        for try await bytes in output {
            try decoder.decode(bytes[...]) { stream, bytes in
                if let last, last != stream { text += "|" }
                last = stream
                text += String(decoding: bytes, as: UTF8.self)
            }
        }
        return text
    }

    private static func write(to file: SpoolFile, live: LiveOutput = LiveOutput()) throws {
        var spool = try OutputSpool(file, live: live)
        try Array("hello".utf8).withUnsafeBytes { try spool.append(.stdout, $0) }
        try Array("oh\n".utf8).withUnsafeBytes { try spool.append(.stderr, $0) }
        #expect(spool.stdoutBytes == 5)
        #expect(spool.stderrBytes == 3)
    }
}

extension Array {
    fileprivate init(_ sequence: some AsyncSequence<Element, any Error>) async throws {
        self = []
        for try await element in sequence { append(element) }
    }
}
