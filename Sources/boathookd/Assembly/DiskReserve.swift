import CDisk
import Glibc
import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle

/// Space that the server keeps for the moment when the disk is full: just then people need `du` and `rm`.
///
/// A file that holds nothing and takes 32 MiB. A write that finds no space gets 4 MiB of them, and is tried
/// again; the file is made whole when there is space again. Others who write to the same disk may be quicker:
/// this is a help, and the journal and spool of the agent, which own their space, are the promise.
final class DiskReserve: Service {
    private let path: String
    private let logger: Logger
    private let size: NIOLockedValueBox<Int64>

    init(path: String, logger: Logger) {
        self.path = path
        self.logger = logger
        // What a former process left of it.
        var status = stat()
        let isThere = stat(path, &status) == 0
        size = .init(isThere ? min(Int64(status.st_size), Int64(status.st_blocks) * 512) : 0)
        fill()
    }

    /// Does what needs a little space; on a full disk, with a part of what is kept.
    func withSpace<Result>(_ body: () throws -> Result) throws -> Result {
        while true {
            do {
                return try body()
            } catch  where !hasRoom(for: Self.partByteCount / 4) && giveUp() {
                continue
            }
        }
    }

    /// Frees a part; false when there is none left.
    @Sendable func giveUp() -> Bool {
        let left = size.withLockedValue { size -> Int64? in
            guard size > 0 else { return nil }
            let rest = max(0, size - Self.partByteCount)
            guard resize(to: rest) else { return nil }
            size = rest
            return rest
        }
        guard let left else { return false }
        logger.warning(
            "the disk is full; space that was kept for this is used",
            metadata: ["path": "\(path)", "left": "\(left)"])
        return true
    }

    /// Looks now and then whether what was given up can be had back.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(10))
                self.fill()
            }
        }
    }

    private func fill() {
        size.withLockedValue { size in
            guard size < Self.byteCount, hasRoom(for: 2 * Self.byteCount) else { return }
            if resize(to: Self.byteCount) { size = Self.byteCount }
        }
    }

    /// The size is what was given up to; the blocks are what counts.
    private func resize(to byteCount: Int64) -> Bool {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return false }
        defer { close(file) }
        // Cut to its size first: blocks behind it go.
        guard ftruncate(file, off_t(byteCount)) == 0 else { return false }
        return cdisk_reserve(file, byteCount) == 0 || byteCount == 0
    }

    private func hasRoom(for byteCount: Int64) -> Bool {
        let folder = path.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 }
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return false }
        return Int64(status.f_bavail) * Int64(status.f_frsize) >= byteCount
    }

    private static let byteCount: Int64 = 32 << 20
    private static let partByteCount: Int64 = 4 << 20
}
