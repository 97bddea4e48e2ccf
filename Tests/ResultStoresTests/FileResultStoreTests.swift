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

    @Test func `what a dead process was about to keep is removed`() async throws {
        try await withStore { store, root in
            _ = try await store.put(1, frames: Self.pieces([], size: 1), atMost: 0)
            try Data("half".utf8).write(to: URL(filePath: root + "/0/.2.77"))
            _ = try FileResultStore(root: root, threads: .singleton)
            #expect(try FileManager.default.contentsOfDirectory(atPath: root + "/0") == ["1"])
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
