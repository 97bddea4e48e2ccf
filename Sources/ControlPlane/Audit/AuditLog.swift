/// What was done and tried, for ever: entries are added, and nothing else.
///
/// Each entry is hashed with the one before it, so that a log which was changed afterwards can be told from
/// one that was not (docs/audit.md). Several processes may append to the same log.
package protocol AuditLog: Sendable {
    /// Adds an entry behind the last one; durable when it returns.
    func append(_ entry: AuditEntry) async throws
    /// The records with greater numbers than `sequence`, in their order, at most `limit`; as they are
    /// stored, whether intact or not.
    func auditEntries(after sequence: Int64, limit: Int) async throws -> [AuditRecord]
    /// Where the log ends; nil when it has no entry.
    func auditHead() async throws -> AuditHead?
}

extension AuditLog {
    /// Walks the whole chain, a page at a time.
    ///
    /// - Parameters:
    ///   - witness: A head that was written down before, if there is one.
    ///   - progress: Gets the number of entries that are known to be intact, now and then.
    /// - Returns: The head; entries that come during the walk may be part of it.
    /// - Throws: ``AuditBreak`` for the first entry that is not what was written; what the store throws
    ///   when it cannot be read.
    package func verifyAudit(
        witness: AuditHead? = nil, progress: (Int64) -> Void = { _ in }
    ) async throws -> AuditHead {
        var walk = AuditWalk(witness: witness)
        // From the least number on: what stands before the first entry is no part of the log.
        var last = Int64.min
        while true {
            let page = try await auditEntries(after: last, limit: Self.pageSize)
            for record in page { try walk.take(record) }
            guard let end = page.last, page.count == Self.pageSize else { return try walk.end() }
            last = end.sequence
            progress(walk.head.sequence)
        }
    }

    /// Bounds what is in memory at a time: an entry has a few kilobytes at most.
    private static var pageSize: Int { 500 }
}
