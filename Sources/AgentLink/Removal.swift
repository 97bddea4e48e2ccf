/// What a command that removes is to do and may do.
package struct RemovalOrder: Sendable, Hashable, Codable {
    /// Only list what would go; remove nothing.
    package var previews: Bool
    /// The digest of a preview's ``Removal``: remove only if the same would go now.
    package var expectedDigest: String?
    /// The most files and folders that it may remove, and the most bytes that it may free; nil for any.
    package var entryLimit: Int64?
    package var byteLimit: Int64?

    enum CodingKeys: String, CodingKey {
        case previews = "preview"
        case expectedDigest = "expected_digest"
        case entryLimit = "entry_limit"
        case byteLimit = "byte_limit"
    }

    package init(
        previews: Bool = false, expectedDigest: String? = nil, entryLimit: Int64? = nil,
        byteLimit: Int64? = nil
    ) {
        self.previews = previews
        self.expectedDigest = expectedDigest
        self.entryLimit = entryLimit
        self.byteLimit = byteLimit
    }
}

/// What was removed, or, of a preview, would be.
package struct Removal: Sendable, Hashable, Codable {
    /// Files, folders, links and whatever else has a name.
    package var entries: Int64
    /// Bytes of the disk that this frees: of the instance's writable layer and of its volumes.
    ///
    /// What comes from the image stays on the disk; a file of several names counts once, and only when its
    /// last name goes.
    package var bytes: Int64
    /// The first of their paths, in the order in which they go; bytes that are no UTF-8, control
    /// characters and backslashes are written as `\\xNN`.
    package var paths: [String]
    /// SHA-256 over all of them (path, kind, mode, size, times), whatever their order.
    ///
    /// Lower-case hexadecimal; nil when only counts are known.
    package var digest: String?

    package init(entries: Int64, bytes: Int64, paths: [String], digest: String? = nil) {
        self.entries = entries
        self.bytes = bytes
        self.paths = paths
        self.digest = digest
    }

    /// The same with no more than is told.
    package func bounded() -> Removal {
        var removal = self
        var byteCount = 0
        removal.paths = Array(
            paths.prefix(Self.maximumPathCount).prefix {
                byteCount += $0.utf8.count
                return byteCount <= Self.maximumPathByteCount
            })
        removal.digest = digest.map { String($0.prefix(64)) }
        return removal
    }

    /// At most so many paths, and bytes of paths, are told: enough to see what it is about.
    package static let maximumPathCount = 64
    package static let maximumPathByteCount = 8192
}
