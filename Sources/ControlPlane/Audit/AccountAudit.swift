/// What an account's keys see of the audit log.
package struct AccountAudit: Sendable {
    private let store: any AccountAuditStore

    package init(store: any AccountAuditStore) {
        self.store = store
    }

    /// Nobody needs to know it better, and counting takes its time.
    package static let maximumCount: Int64 = 100_000

    /// A part of the log, newest first.
    package struct Page: Sendable {
        package var records: [AuditRecord]
        /// How many the whole has, when that was asked for.
        package var total: Int64?
        /// Where the next part begins; nil when there is none.
        package var next: Int64?
    }

    /// - Parameters:
    ///   - principal: Who looks.
    ///   - before: Where to begin: behind this entry; nil for the newest.
    ///   - limit: How many at most.
    ///   - counting: Whether to count the whole.
    /// - Returns: The part.
    /// - Throws: What the store throws.
    package func page(
        for principal: Principal, before: Int64?, limit: Int, counting: Bool
    ) async throws -> Page {
        let account = principal.account.id
        let key = principal.scope.seesOwnAuditOnly ? principal.keyID : nil
        // One more tells whether there are more.
        let records = try await store.auditEntries(
            account: account, key: key, before: before, limit: limit + 1)
        let page = Array(records.prefix(limit))
        return Page(
            records: page,
            total: counting ? try await store.auditCount(account: account, key: key) : nil,
            next: records.count > limit ? page.last?.sequence : nil)
    }
}

extension KeyScope {
    /// Whether it sees of the audit log what it did itself, and nothing else: entries name commands, instances and
    /// keys, so who does not see all of those elsewhere must not see them here.
    fileprivate var seesOwnAuditOnly: Bool {
        guard !seesOwnCommandsOnly else { return true }
        guard let permissions else { return false }
        return !permissions.constraints(on: .showKey, writes: writes)
            .contains { $0.contains(IDConstraint()) }
    }
}
