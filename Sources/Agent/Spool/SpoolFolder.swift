internal import AgentLink
internal import CDisk
internal import FoundationEssentials
internal import Glibc
internal import NIOConcurrencyHelpers

/// The outputs of commands on this machine's disk, and space that is theirs.
///
/// People need `du` and `rm` most when the disk is full. So the folder owns a few files of ``pieceByteCount``
/// bytes each; a command's output takes one of them over, and when the server has the output, the file is made
/// blank and kept for the next: its blocks are never given back, so nobody else can take them. What a command
/// writes beyond that, and what it writes while all of them are in use, takes free space of the disk.
final class SpoolFolder: Sendable {
    private let path: String
    private let reserves: NIOLockedValueBox<Reserves>

    private struct Reserves {
        /// Numbers of the blank files that are there, and of those that are to be made.
        var blank: [Int] = []
        var missing: [Int] = []
        /// For names of files that were discarded and are still read.
        var lastDiscarded = 0
    }

    /// Takes the folder over from a former process.
    ///
    /// - Parameters:
    ///   - path: Made if it is not there.
    ///   - reserveCount: How many outputs have space of their own at a time.
    /// - Throws: When the folder cannot be made. A disk that is full is no error.
    init(path: String, reserveCount: Int) throws {
        self.path = path
        reserves = .init(Reserves())
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        // Only what is there: blocks of leftovers come first, see `removeLeftovers`.
        let names = Set(try FileManager.default.contentsOfDirectory(atPath: path))
        for number in 0..<reserveCount {
            let isThere =
                names.contains(".reserve-\(number)") && Self.makeBlank(reservePath(number))
            reserves.withLockedValue {
                if isThere { $0.blank.append(number) } else { $0.missing.append(number) }
            }
        }
        let kept = Set((0..<reserveCount).map { ".reserve-\($0)" })
        for name in names where name.hasPrefix(".") && !kept.contains(name) {
            unlink("\(path)/\(name)")
        }
    }

    /// A file for the output of a command that is about to run; empty.
    func create(_ commandID: Int64) throws(SpoolError) -> SpoolFile {
        fillReserves()
        let file = outputPath(commandID)
        let number = reserves.withLockedValue { $0.blank.popLast() }
        if let number {
            guard rename(reservePath(number), file) != 0 else {
                return SpoolFile(folder: self, path: file, reserve: number)
            }
            reserves.withLockedValue { $0.missing.append(number) }
        }
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SpoolError("open", errno) }
        close(descriptor)
        return SpoolFile(folder: self, path: file, reserve: nil)
    }

    /// The file that a former process left of a command.
    func leftover(_ commandID: Int64) -> SpoolFile {
        SpoolFile(folder: self, path: outputPath(commandID), reserve: nil)
    }

    /// Removes what a former process left, but for the outputs of these commands; their blocks become
    /// reserves again, so that a start on a full disk loses none.
    func removeLeftovers(except kept: Set<Int64>) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            guard let commandID = Int64(name), !kept.contains(commandID) else { continue }
            takeBack("\(path)/\(name)", reserve: nil)
        }
        fillReserves()
    }

    /// Gives the file a name of its own, so that its command may have another; whoever reads it goes on.
    fileprivate func setAside(_ file: String) -> String {
        let number = reserves.withLockedValue { reserves in
            reserves.lastDiscarded += 1
            return reserves.lastDiscarded
        }
        let aside = "\(path)/.discarded-\(number)"
        return rename(file, aside) == 0 ? aside : file
    }

    /// Nobody reads the file any more.
    fileprivate func takeBack(_ file: String, reserve: Int?) {
        guard let reserve = reserve ?? reserves.withLockedValue({ $0.missing.popLast() }) else {
            unlink(file)
            return
        }
        let isBlank = Self.makeBlank(file) && rename(file, reservePath(reserve)) == 0
        if !isBlank { unlink(file) }
        reserves.withLockedValue {
            if isBlank { $0.blank.append(reserve) } else { $0.missing.append(reserve) }
        }
    }

    private func fillReserves() {
        let missing = reserves.withLockedValue { reserves in
            defer { reserves.missing = [] }
            return reserves.missing
        }
        for number in missing {
            let isThere = Self.makeBlank(reservePath(number))
            if !isThere { unlink(reservePath(number)) }
            reserves.withLockedValue {
                if isThere { $0.blank.append(number) } else { $0.missing.append(number) }
            }
        }
    }

    /// Zeros of exactly one piece, which own their blocks; whether that was possible.
    private static func makeBlank(_ file: String) -> Bool {
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // Longer: blocks behind the piece go. Shorter: it reads as zeros.
        guard ftruncate(descriptor, off_t(pieceByteCount)) == 0 else { return false }
        if cdisk_blank(descriptor, Int64(pieceByteCount)) == 0 { return true }
        // A file system that cannot do that in place, such as tmpfs: for a moment the blocks are free.
        return ftruncate(descriptor, 0) == 0
            && ftruncate(descriptor, off_t(pieceByteCount)) == 0
            && cdisk_reserve(descriptor, Int64(pieceByteCount)) == 0
    }

    private func outputPath(_ commandID: Int64) -> String { "\(path)/\(commandID)" }
    private func reservePath(_ number: Int) -> String { "\(path)/.reserve-\(number)" }

    /// Space that one output owns, in bytes.
    static let pieceByteCount = 1 << 20
}

/// One command's file in the folder: there until it was discarded and the last who holds this value lets go.
///
/// So a follower who still reads it never reads the next command's output.
final class SpoolFile: Sendable {
    private struct State {
        var path: String
        var isDiscarded = false
    }

    private let folder: SpoolFolder
    private let reserve: Int?
    private let state: NIOLockedValueBox<State>

    var path: String { state.withLockedValue { $0.path } }

    fileprivate init(folder: SpoolFolder, path: String, reserve: Int?) {
        self.folder = folder
        state = .init(State(path: path))
        self.reserve = reserve
    }

    deinit {
        let state = state.withLockedValue { $0 }
        if state.isDiscarded { folder.takeBack(state.path, reserve: reserve) }
    }

    /// The server has the output; a process that ends without this leaves the file for the next.
    func discard() {
        state.withLockedValue { state in
            guard !state.isDiscarded else { return }
            state.isDiscarded = true
            state.path = folder.setAside(state.path)
        }
    }
}
