/// The last bytes of a result's file: how long the output is, and that all is there.
struct ResultFoot: Sendable, Hashable {
    /// Of the output.
    let byteCount: Int64
    /// Of the runs between it and the foot.
    private(set) var runsByteCount = 0
    /// Whether the runs are as they were once.
    private(set) var isOld = false

    init(byteCount: Int64) {
        self.byteCount = byteCount
    }

    func encoded() -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: byteCount >> (56 - 8 * $0)) } + Self.mark
    }

    /// The foot of a whole file; nil when the file is not whole.
    static func read(from file: ResultFile) throws(FileError) -> ResultFoot? {
        let rest = try file.byteCount() - Int64(encodedByteCount)
        guard rest >= 0 else { return nil }
        let bytes = try file.read(at: rest, count: encodedByteCount)
        guard bytes.count == encodedByteCount else { return nil }
        let isOld = bytes[8...].elementsEqual(oldMark)
        guard isOld || bytes[8...].elementsEqual(mark) else { return nil }
        var foot = ResultFoot(byteCount: number(bytes[..<8]))
        guard foot.byteCount >= 0, foot.byteCount <= rest else { return nil }
        foot.isOld = isOld
        foot.runsByteCount = Int(rest - foot.byteCount)
        return foot
    }

    /// A big-endian one.
    static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
        bytes.reduce(0) { $0 << 8 | Int64($1) }
    }

    private static let encodedByteCount = 16
    private static let mark = Array("\nBHRES2\n".utf8)
    private static let oldMark = Array("\nBHRES1\n".utf8)
}
