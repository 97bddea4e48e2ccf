import AgentLink
import ControlPlane
import Crypto
import Foundation
import NIOPosix
import ResultStores
import Testing

@Suite struct FileResultStoreTests {
    @Test func `a result comes back whole, in order, by range and by stream`() async throws {
        try await withStore { store, _ in
            let frames = Self.frames(seed: 1, count: 400)
            let bytes = frames.flatMap(\.bytes)
            let stored = try await store.put(
                7, frames: Self.pieces(frames, size: 1000), atMost: .max)
            #expect(stored.sha256 == Self.digest(bytes))
            #expect(stored.stdoutBytes + stored.stderrBytes == bytes.count)

            let reader = try #require(try await store.open(7))
            #expect(reader.byteCount == bytes.count)
            #expect(try await Self.collect(reader.bytes(in: 0..<reader.byteCount)) == bytes)
            #expect(
                try await Self.collect(reader.bytes(in: 100..<70_000)) == Array(bytes[100..<70_000])
            )
            #expect(try await Self.collect(reader.bytes(in: 5..<5)).isEmpty)
            let stdout = frames.filter { $0.stream == .stdout }.flatMap(\.bytes)
            #expect(try await Self.collect(reader.bytes(of: .stdout)) == stdout)
            #expect(try await reader.prefix(of: .stdout, limit: 333) == Array(stdout.prefix(333)))
        }
    }

    @Test func `an empty result is a result`() async throws {
        try await withStore { store, _ in
            let stored = try await store.put(1, frames: Self.pieces([], size: 10), atMost: 0)
            #expect(stored.sha256 == CommandFinished.emptyDigest)
            let reader = try #require(try await store.open(1))
            #expect(reader.byteCount == 0)
        }
    }

    @Test func `input that stops inside a frame leaves no result`() async throws {
        try await withStore { store, _ in
            let whole = Self.encode(Self.frames(seed: 2, count: 3))
            await #expect(throws: OutputFrameDecoder.Malformed.self) {
                try await store.put(
                    1, frames: Self.stream([Array(whole.dropLast())]), atMost: .max)
            }
            let isMissing = try await isMissing(1, in: store)
            #expect(isMissing)
        }
    }

    @Test func `input that fails leaves no result`() async throws {
        struct Broken: Error {}
        try await withStore { store, _ in
            let bytes = Self.encode(Self.frames(seed: 3, count: 60))
            let frames = AsyncThrowingStream<[UInt8], any Error> { continuation in
                continuation.yield(bytes)
                continuation.finish(throwing: Broken())
            }
            await #expect(throws: Broken.self) {
                try await store.put(1, frames: frames, atMost: .max)
            }
            let isMissing = try await isMissing(1, in: store)
            #expect(isMissing)
        }
    }

    @Test func `an output that is too long leaves no result`() async throws {
        try await withStore { store, root in
            let frames = Self.frames(seed: 5, count: 20)
            let count = Int64(frames.reduce(0) { $0 + $1.bytes.count })
            _ = try await store.put(1, frames: Self.pieces(frames, size: 100), atMost: count)
            await #expect(throws: ResultTooLong.self) {
                try await store.put(2, frames: Self.pieces(frames, size: 100), atMost: count - 1)
            }
            #expect(try await isMissing(2, in: store))
            #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/0") == ["1"])
        }
    }

    @Test
    func
        `streams that take turns too often leave no result, and the marks are never more than the bytes`()
        async throws
    {
        try await withStore { store, root in
            let limit = OutputFrame.maximumRunCount
            var bytes: [UInt8] = []
            for number in 0..<limit {
                bytes += OutputFrame.head(stream: number % 2 == 0 ? .stderr : .stdout, count: 1)
                bytes.append(7)
            }
            let stored = try await store.put(1, frames: Self.stream([bytes]), atMost: .max)
            #expect(stored.stdoutBytes == limit / 2 && stored.stderrBytes == limit / 2)
            let size = try FileManager.default.attributesOfItem(atPath: root + "/0/1")[.size]
            #expect(size as? Int == 2 * limit + 17)
            let reader = try #require(try await store.open(1))
            #expect(try await Self.collect(reader.bytes(of: .stdout)).count == limit / 2)
            bytes += OutputFrame.head(stream: .stderr, count: 1) + [7]
            await #expect(throws: ResultTooLong.self) {
                try await store.put(2, frames: Self.stream([bytes]), atMost: .max)
            }
            #expect(try await isMissing(2, in: store))
        }
    }

    @Test func `a result of a former version is read`() async throws {
        try await withStore { store, root in
            _ = try await store.put(1, frames: Self.pieces([], size: 1), atMost: 0)
            let length: (UInt8) -> [UInt8] = { [0, 0, 0, 0, 0, 0, 0, $0] }
            let old =
                Array("out!oh".utf8) + [1] + length(4) + [2] + length(2) + length(6)
                + Array("\nBHRES1\n".utf8)
            try Data(old).write(to: URL(filePath: root + "/0/1"))
            let reader = try #require(try await store.open(1))
            #expect(reader.byteCount == 6)
            #expect(try await Self.collect(reader.bytes(of: .stderr)) == Array("oh".utf8))
            #expect(try await reader.prefix(of: .stdout, limit: 3) == Array("out".utf8))
            var texts: [String] = []
            for try await piece in reader.pieces(from: 3) {
                texts.append("\(piece.stream) \(String(decoding: piece.bytes, as: UTF8.self))")
            }
            #expect(texts == ["stdout !", "stderr oh"])
        }
    }

    @Test func `what a dead process was about to keep is removed`() async throws {
        try await withStore { store, root in
            _ = try await store.put(1, frames: Self.pieces([], size: 1), atMost: 0)
            try Data("half".utf8).write(to: URL(filePath: root + "/0/.2.77"))
            // What is not this store's is let alone.
            try FileManager.default.createDirectory(
                atPath: root + "/lost+found", withIntermediateDirectories: false)
            for path in ["/lost+found/.mine", "/note", "/7"] {
                try Data("mine".utf8).write(to: URL(filePath: root + path))
            }
            _ = try FileResultStore(root: root, threads: .singleton)
            #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/0") == ["1"])
            let names = try FileManager.default.subpathsOfDirectory(atPath: root)
            #expect(names.sorted() == ["0", "0/1", "7", "lost+found", "lost+found/.mine", "note"])
        }
    }

    @Test func `pieces are those of the streams, from any byte on`() async throws {
        try await withStore { store, _ in
            let frames = Self.frames(seed: 6, count: 30)
            let bytes = frames.flatMap(\.bytes)
            _ = try await store.put(1, frames: Self.pieces(frames, size: 77), atMost: .max)
            let reader = try #require(try await store.open(1))
            for offset in [0, 1, bytes.count / 2, bytes.count - 1, bytes.count, bytes.count + 5] {
                var all: [UInt8] = []
                var errors: [UInt8] = []
                for try await piece in reader.pieces(from: Int64(offset)) {
                    all += piece.bytes
                    if piece.stream == .stderr { errors += piece.bytes }
                }
                #expect(all == Array(bytes.dropFirst(offset)))
                let expected = frames.flatMap { frame in
                    frame.bytes.map { (frame.stream, $0) }
                }.dropFirst(offset).filter { $0.0 == .stderr }.map(\.1)
                #expect(errors == expected)
            }
        }
    }

    @Test func `a file that was cut short is no result`() async throws {
        try await withStore { store, root in
            _ = try await store.put(
                9, frames: Self.pieces(Self.frames(seed: 4, count: 5), size: 64), atMost: .max)
            let path = root + "/0/9"
            let bytes = try #require(FileManager.default.contents(atPath: path))
            for length in [0, 1, bytes.count / 2, bytes.count - 1] {
                try bytes.prefix(length).write(to: URL(filePath: path))
                #expect(try await isMissing(9, in: store), "cut to \(length) bytes")
            }
        }
    }

    @Test func `files are for their owner alone, and deletion removes them`() async throws {
        try await withStore { store, root in
            _ = try await store.put(5000, frames: Self.pieces([], size: 1), atMost: .max)
            let path = root + "/1/5000"
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
            #expect(mode as? Int == 0o600)
            try await store.delete(5000)
            try await store.delete(5000)
            #expect(!FileManager.default.fileExists(atPath: path))
            #expect(try await isMissing(5000, in: store))
        }
    }

    @Test func `what was copied reads as before, and what is not there is passed over`()
        async throws
    {
        try await withStore { store, root in
            for id in [1, 4096, 5000] as [Int64] {
                let frames = Self.frames(seed: UInt64(id), count: 3)
                _ = try await store.put(id, frames: Self.pieces(frames, size: 99), atMost: .max)
            }
            // A result that is about to be kept.
            try Data("half".utf8).write(to: URL(filePath: root + "/0/.2.77"))
            try await store.delete([5000])
            let copy = root + "-copy"
            #expect(try FileResultStore.copy([1, 2, 4096, 5000], from: root, to: copy) == 2)
            for path in ["/0/1", "/1/4096"] {
                let bytes = try #require(FileManager.default.contents(atPath: root + path))
                #expect(FileManager.default.contents(atPath: copy + path) == bytes)
            }
            let names = try FileManager.default.subpathsOfDirectory(atPath: copy)
            #expect(names.sorted() == ["0", "0/1", "1", "1/4096"])
            #expect(try await !isMissing(1, in: FileResultStore(root: copy, threads: .singleton)))
        }
    }

    @Test func `what is no file is no result, and is not copied as one`() async throws {
        try await withStore { store, root in
            _ = try await store.put(1, frames: Self.pieces([], size: 1), atMost: 0)
            #expect(mkfifo(root + "/0/2", 0o600) == 0)
            try FileManager.default.createDirectory(
                atPath: root + "/0/3", withIntermediateDirectories: false)
            for id in 2...3 as ClosedRange<Int64> {
                await #expect(throws: FileError.self) { try await store.open(id) }
                #expect(throws: FileError.self) {
                    try FileResultStore.copy([1, id], from: root, to: "\(root)-\(id)")
                }
            }
        }
    }

    private func isMissing(_ id: Int64, in store: FileResultStore) async throws -> Bool {
        try await store.open(id) == nil
    }

    private func withStore(_ body: (FileResultStore, String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let root = folder.path + "/results"
        try await body(try FileResultStore(root: root, threads: .singleton), root)
    }

    private static func frames(seed: UInt64, count: Int) -> [OutputFrame] {
        var generator = SplitMix(state: seed)
        return (0..<count).map { _ in
            OutputFrame(
                stream: Bool.random(using: &generator) ? .stdout : .stderr,
                bytes: (0..<Int.random(in: 1...3000, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                })
        }
    }

    private static func encode(_ frames: [OutputFrame]) -> [UInt8] {
        frames.flatMap { OutputFrame.head(stream: $0.stream, count: $0.bytes.count) + $0.bytes }
    }

    private static func pieces(_ frames: [OutputFrame], size: Int) -> AsyncThrowingStream<
        [UInt8], any Error
    > {
        let bytes = encode(frames)
        return stream(
            stride(from: 0, to: bytes.count, by: size).map {
                Array(bytes[$0..<min($0 + size, bytes.count)])
            })
    }

    private static func stream(_ pieces: [[UInt8]]) -> AsyncThrowingStream<[UInt8], any Error> {
        AsyncThrowingStream { continuation in
            pieces.forEach { continuation.yield($0) }
            continuation.finish()
        }
    }

    private static func collect(_ pieces: AsyncThrowingStream<[UInt8], any Error>) async throws
        -> [UInt8]
    {
        try await pieces.reduce(into: []) { $0 += $1 }
    }

    private static func digest(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
    }
}

/// Random numbers that are the same for the same seed (Steele, Lea and Flood 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
