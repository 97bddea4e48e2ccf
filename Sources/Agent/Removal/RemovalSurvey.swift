internal import AgentLink
internal import CommandPolicy
internal import Crypto

/// Decides, file by file, what an `rm` would take, and adds it up.
///
/// Fed with the records of a `find -depth`: what is in a folder comes before it. Says what rm(1) of GNU coreutils does
/// by its options; of files that the kernel keeps from being removed (immutable ones) it knows nothing.
struct RemovalSurvey {
    /// What of rm's options matters.
    struct Options: Sendable, Hashable {
        var isRecursive = false
        var takesEmptyFolders = false
        var ignoresMissing = false
    }

    /// What happens to one file.
    enum Fate: Sendable, Hashable {
        case goes
        /// It stays, because of this.
        case stays(String)
    }

    private let options: Options
    private let mountPoints: Set<[UInt8]>
    /// Whose bytes count; nil for all.
    private let countedDevices: Set<Int64>?
    private let wantsDigest: Bool
    /// Operands that got `./` before them.
    private let prefixed: [[UInt8]]
    /// Operands, and where they really are; for ``seen`` alone.
    private let places: [(operand: [UInt8], place: [UInt8])]
    /// Where the files are that were seen, if some may come twice.
    private var seen: Set<[UInt8]>?

    private(set) var entries: Int64 = 0
    private(set) var bytes: Int64 = 0
    private(set) var paths: [String] = []
    /// Operands that were there.
    private(set) var operands: Set<[UInt8]> = []
    private var pathByteCount = 0
    private var digests: [[UInt8]] = []
    /// Files of several names, of which some have been seen.
    private var linked: [Int64: Int64] = [:]
    /// Folders with something in them that stays.
    private var keptFolders: Set<[UInt8]> = []
    /// Folders with something in them.
    private var filledFolders: Set<[UInt8]> = []
    /// A record that has begun, and how much of it was looked at for its end.
    private var rest: [UInt8] = []
    private var lookedAt = 0
    /// Whether a record could not be read.
    private(set) var isBroken = false

    /// - Parameters:
    ///   - options: Of the `rm`.
    ///   - operands: Of the `rm`.
    ///   - places: Where the operands really are, links on the way to them followed; nil for where they seem to be.
    ///   - mountPoints: Normalised paths that are mounts in the view.
    ///   - countedDevices: The devices whose bytes are freed; nil for all.
    ///   - wantsDigest: Whether the digest will be asked for.
    init(
        options: Options, operands: [String], places: [String]? = nil, mountPoints: [String] = [],
        countedDevices: Set<Int64>? = nil,
        wantsDigest: Bool = false
    ) {
        self.options = options
        self.mountPoints = Set(mountPoints.map { Array($0.utf8) })
        self.countedDevices = countedDevices
        self.wantsDigest = wantsDigest
        prefixed = operands.filter(RemovalSurveyor.isPrefixed).map {
            Array(RemovalSurveyor.searchable($0).utf8)
        }
        let real = places ?? operands.map(PathPrefix.normalized)
        self.places = zip(operands, real).map {
            (Array(RemovalSurveyor.stripped($0).utf8), Array($1.utf8))
        }
        let overlap = real.indices.contains { one in
            real.indices.contains { $0 != one && PathPrefix.contains(real[one], real[$0]) }
        }
        seen = overlap ? [] : nil
    }

    /// Takes a piece of the output, cut anywhere.
    ///
    /// - Parameters:
    ///   - piece: The next bytes.
    ///   - each: Told of each file.
    mutating func append(
        _ piece: UnsafeRawBufferPointer, each: (SurveyRecord, Fate) throws -> Void
    ) rethrows {
        rest.append(contentsOf: piece)
        var start = rest.startIndex
        while let end = rest[max(start, lookedAt)...].firstIndex(of: 0) {
            if var record = SurveyRecord(rest[start..<end]) {
                record.path = named(record.path)
                // Operands may lie in one another; what lies below one that is not entered is still to come.
                let isEntered = record.depth == 0 || options.isRecursive
                let place = seen == nil || !isEntered ? nil : place(of: record.path)
                if place.map({ seen?.insert($0).inserted ?? true }) ?? true {
                    try each(record, take(record))
                }
            } else {
                isBroken = true
            }
            start = end + 1
        }
        rest.removeSubrange(..<start)
        if rest.count > Self.maximumRecordByteCount {
            isBroken = true
            rest = []
        }
        lookedAt = rest.count
    }

    /// A path may be much longer than `PATH_MAX` when its folders are entered one by one; this one takes minutes to make.
    private static let maximumRecordByteCount = 1 << 20

    /// A path as `rm` names it: without what was put before an operand for `find`'s sake.
    private func named(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isPrefixed = prefixed.contains { operand in
            path.starts(with: operand)
                && (path.count == operand.count
                    || path[path.startIndex + operand.count] == UInt8(ascii: "/"))
        }
        return isPrefixed ? path.dropFirst(2) : path
    }

    /// Where a file really is, by the operand that led to it.
    private func place(of path: ArraySlice<UInt8>) -> [UInt8] {
        for (operand, place) in places where path.starts(with: operand) {
            let rest = path.dropFirst(operand.count)
            if rest.isEmpty || rest.first == UInt8(ascii: "/") { return place + rest }
        }
        return Self.normalized(Array(path))
    }

    /// SHA-256 over all that goes, whatever its order; lower-case hexadecimal.
    func digest() -> String {
        var digest = SHA256()
        // Two listings of one tree may differ in their order.
        for one in digests.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            digest.update(data: one)
        }
        return Hex.string(digest.finalize())
    }

    private mutating func take(_ record: SurveyRecord) -> Fate {
        let path = Array(record.path)
        if record.depth == 0 { operands.insert(path) }
        let fate = fate(of: record, path)
        if record.depth > 0, let parent = Self.parent(of: path) {
            if options.takesEmptyFolders { filledFolders.insert(parent) }
            if fate != .goes { keptFolders.insert(parent) }
        }
        guard fate == .goes else { return fate }
        entries += 1
        addBytes(of: record)
        let printable = Self.printable(record.path)
        if paths.count < Removal.maximumPathCount,
            pathByteCount + printable.utf8.count <= Removal.maximumPathByteCount
        {
            paths.append(printable)
            pathByteCount += printable.utf8.count
        }
        if wantsDigest { digests.append(Array(SHA256.hash(data: record.identity))) }
        return fate
    }

    private func fate(of record: SurveyRecord, _ path: [UInt8]) -> Fate {
        if mountPoints.contains(Self.normalized(path)) { return .stays("a mount point") }
        if record.depth > 0 && !options.isRecursive { return .stays("below a folder") }
        guard record.isFolder else { return .goes }
        if options.isRecursive {
            return keptFolders.contains(path) ? .stays("something in it stays") : .goes
        }
        guard options.takesEmptyFolders else { return .stays("a folder, and -r was not given") }
        return filledFolders.contains(path) ? .stays("a folder that is not empty") : .goes
    }

    private mutating func addBytes(of record: SurveyRecord) {
        if let countedDevices, !countedDevices.contains(record.device) { return }
        if record.isFolder || record.linkCount == 1 {
            bytes += record.blockCount * 512
            return
        }
        // A file goes with its last name; each counts once.
        let seen = (linked[record.inode] ?? 0) + 1
        linked[record.inode] = seen
        if seen == record.linkCount { bytes += record.blockCount * 512 }
    }

    /// As a line for people: what is not printable ASCII or UTF-8, and backslashes, as `\xNN`.
    static func printable(_ path: ArraySlice<UInt8>) -> String {
        let text = String(validating: path, as: UTF8.self)
        var printable = ""
        if let text {
            for scalar in text.unicodeScalars {
                if isPlain(scalar) {
                    printable.unicodeScalars.append(scalar)
                } else {
                    for byte in String(scalar).utf8 { printable += escaped(byte) }
                }
            }
        } else {
            for byte in path {
                let isPlain = (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\\")
                printable += isPlain ? String(UnicodeScalar(byte)) : escaped(byte)
            }
        }
        return printable
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar != "\\" else { return false }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse,
            .surrogate:
            return false
        default: return true
        }
    }

    private static func escaped(_ byte: UInt8) -> String {
        "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    private static func parent(of path: [UInt8]) -> [UInt8]? {
        path.lastIndex(of: UInt8(ascii: "/")).map { Array(path[..<$0]) }
    }

    /// From the root, without `.`, `..` and doubled slashes; links are not followed.
    private static func normalized(_ path: [UInt8]) -> [UInt8] {
        var kept: [ArraySlice<UInt8>] = []
        for part in path.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual(".".utf8) { continue }
            if part.elementsEqual("..".utf8) {
                _ = kept.popLast()
            } else {
                kept.append(part)
            }
        }
        return kept.flatMap { [UInt8(ascii: "/")] + Array($0) }
    }
}
