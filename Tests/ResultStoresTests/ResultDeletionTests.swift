import ControlPlane
import Foundation
import NIOPosix
import ResultStores
import Testing

/// What was deleted stays so.
@Suite struct ResultDeletionTests {
    @Test func `a deletion outlives the loss of power`() async throws {
        try await withFolder { folder in
            let disk = try Disk(in: folder)
            defer { try? disk.unmount() }
            let root = disk.path + "/results"
            let ids: [Int64] = [1, 2, 5000, 9000]
            do {
                let store = try FileResultStore(root: root, threads: .singleton)
                for id in ids { try await Self.put(id, in: store) }
                try await store.delete([1, 5000])
            }
            try disk.losePower()
            let store = try FileResultStore(root: root, threads: .singleton)
            for id in ids {
                let isThere = try await store.open(id) != nil
                #expect(isThere == [2, 9000].contains(id), "\(id)")
            }
        }
    }

    /// The process that removed it died before it had flushed that, and its successor finds nothing to remove.
    @Test func `so does one that somebody began before`() async throws {
        try await withFolder { folder in
            let disk = try Disk(in: folder)
            defer { try? disk.unmount() }
            let root = disk.path + "/results"
            do {
                let store = try FileResultStore(root: root, threads: .singleton)
                try await Self.put(1, in: store)
                try FileManager.default.removeItem(atPath: root + "/0/1")
                try await store.delete([1])
            }
            try disk.losePower()
            #expect(!FileManager.default.fileExists(atPath: root + "/0/1"))
        }
    }

    @Test func `one that cannot be removed keeps no other, and is named`() async throws {
        try await withFolder { folder in
            let store = try FileResultStore(root: folder + "/results", threads: .singleton)
            for id in [1, 3] as [Int64] { try await Self.put(id, in: store) }
            // unlink(2) takes no folder.
            try FileManager.default.createDirectory(
                atPath: folder + "/results/0/2", withIntermediateDirectories: false)
            let error = await #expect(throws: ResultsNotDeleted.self) {
                try await store.delete([1, 2, 3, 4096])
            }
            #expect(error?.ids == [2])
            for id in [1, 3] as [Int64] {
                let isGone = try await store.open(id) == nil
                #expect(isGone, "\(id)")
            }
        }
    }

    @Test func `all that is kept is told, and nothing else that lies there`() async throws {
        try await withFolder { folder in
            let root = folder + "/results"
            let store = try FileResultStore(root: root, threads: .singleton)
            let ids: Set<Int64> = [1, 4095, 4096, 1_000_000]
            for id in ids { try await Self.put(id, in: store) }
            for name in ["0/.7.99", "0/x", "0/07", "0/4097", "y"] {
                try Data().write(to: URL(filePath: "\(root)/\(name)"))
            }
            var kept: [Int64] = []
            for try await page in store.kept() { kept += page }
            #expect(kept.count == ids.count && Set(kept) == ids)
        }
    }

    private static func put(_ id: Int64, in store: FileResultStore) async throws {
        _ = try await store.put(
            id, frames: AsyncThrowingStream<[UInt8], any Error> { $0.finish() }, atMost: 0)
    }

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.path)
    }
}

/// A small ext4 in a file, which can lose its power; tests run as root.
private struct Disk {
    let path: String
    private let image: String

    init(in folder: String) throws {
        path = folder + "/mounted"
        image = folder + "/image"
        try run("/usr/bin/truncate", "--size", "32M", image)
        try run("/usr/sbin/mkfs.ext4", "-q", "-F", image)
        try run("/usr/bin/mkdir", path)
        try mount()
    }

    /// What was not flushed by now is gone.
    func losePower() throws {
        // EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (linux/fs/ext4/ext4.h).
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        var flags: UInt32 = 2
        let status = ioctl(folder, 0x8004_587D, &flags)
        close(folder)
        try #require(folder >= 0 && status == 0, "\(errno)")
        try unmount()
        try mount()
    }

    func unmount() throws { try run("/usr/bin/umount", path) }

    /// The log is written when somebody flushes, and not every five seconds by itself.
    private func mount() throws { try run("/usr/bin/mount", "-o", "loop,commit=600", image, path) }
}

private func run(_ program: String, _ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(program) \(arguments)")
}
