/// One file or folder as the survey's `find` tells of it.
///
/// The fields come from the kernel by find(1)'s `-printf`, the path from a hostile tree.
struct SurveyRecord: Sendable {
    /// A letter: `f`, `d`, `l` and so on (find(1), `%y`).
    let kind: UInt8
    let mode: ArraySlice<UInt8>
    let size: ArraySlice<UInt8>
    /// Of 512 bytes.
    let blockCount: Int64
    let linkCount: Int64
    let inode: Int64
    let device: Int64
    /// How deep below the operand; 0 for the operand itself.
    let depth: Int
    let modified: ArraySlice<UInt8>
    let changed: ArraySlice<UInt8>
    var path: ArraySlice<UInt8>

    /// For `find -printf`; the path comes last, since it may hold anything but NUL.
    static let format = #"%y %m %s %b %n %i %D %d %T@ %C@ %p\0"#

    /// - Parameter bytes: A record without its NUL.
    init?(_ bytes: ArraySlice<UInt8>) {
        let fields = bytes.split(
            separator: UInt8(ascii: " "), maxSplits: 10, omittingEmptySubsequences: false)
        guard fields.count == 11, let kind = fields[0].first, let blocks = Self.number(fields[3]),
            let links = Self.number(fields[4]), let inode = Self.number(fields[5]),
            let device = Self.number(fields[6]), let depth = Self.number(fields[7])
        else { return nil }
        self.kind = kind
        mode = fields[1]
        size = fields[2]
        blockCount = blocks
        linkCount = links
        self.inode = inode
        self.device = device
        self.depth = Int(depth)
        modified = fields[8]
        changed = fields[9]
        path = fields[10]
    }

    var isFolder: Bool { kind == UInt8(ascii: "d") }

    /// What makes it the same tree: everything but where the kernel keeps it, which differs between two mounts.
    ///
    /// A folder's size says nothing that its entries do not say, and file systems change it at will.
    var identity: [UInt8] {
        let size = isFolder ? [] : self.size
        return Array(
            [[kind], mode, size, modified, changed, path].map { Array($0) }.joined(separator: [0]))
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        var value: Int64 = 0
        guard !digits.isEmpty else { return nil }
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowed) = product.addingReportingOverflow(Int64(digit - 0x30))
            if overflow || overflowed { return nil }
            value = sum
        }
        return value
    }
}
