internal import AgentLink
internal import CommandPolicy
internal import ControlPlane
internal import GRDB

extension NewCommand {
    /// Bounds what a budgeted key's command may remove by what is left of the day's budget.
    ///
    /// - Throws: `ControlPlaneError`: `queue_full` when another of the key's removals is under way, whose share
    ///   nobody knows yet; `budget_spent` when nothing is left.
    mutating func applyBudget(_ db: Database) throws {
        guard let budget = deletionBudget, removalOrder != nil else { return }
        let isUnderWay = try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (
                    SELECT 1 FROM command WHERE key_id = ? AND finished_at IS NULL
                        AND removal_order IS NOT NULL AND removal_order ->> '$.preview' = 0)
                """,
            arguments: [keyID])
        guard isUnderWay != true else {
            throw ControlPlaneError(
                .queueFull,
                "This key has a deletion budget, and another of its removals is under way.",
                retryAfter: 1)
        }
        let used = try Row.fetchOne(
            db, sql: "SELECT entries, bytes FROM deletion_use WHERE key_id = ? AND day = ?",
            arguments: [keyID, DeletionBudget.day(of: createdAt)])
        let entries = budget.entries - (used?["entries"] ?? 0)
        let bytes = budget.bytes - (used?["bytes"] ?? 0)
        guard entries > 0, bytes > 0 else {
            throw ControlPlaneError(
                .budgetSpent,
                "This key has removed as much today as it may; the day ends at 00:00 UTC.")
        }
        if budget.entries != .max { removalOrder?.entryLimit = entries }
        if budget.bytes != .max { removalOrder?.byteLimit = bytes }
    }

    /// What the audit log says of its acceptance.
    func auditEntry(_ event: AuditEntry.Event, id: Command.ID) -> AuditEntry {
        AuditEntry(
            time: createdAt, event: event, accountID: accountID, keyID: keyID,
            instanceID: instance.id, commandID: id, text: text, decision: decision,
            detail: variant.isEmpty ? nil : variant, address: address)
    }
}

extension Command {
    /// Adds what a command has removed to its key's use of the day.
    ///
    /// Where that is not known, what it was allowed to remove counts as removed: a budget bounds what may have
    /// happened, not what was seen to happen.
    func chargeBudget(
        _ db: Database, for outcome: CommandOutcome, endingAs state: CommandState, at time: Double
    ) throws {
        guard let removalOrder, !removalOrder.previews else { return }
        let didNotRun =
            [CommandState.denied, .expired].contains(state)
            || outcome.runtime == nil && state == .cancelled
        let entries = outcome.removal?.entries ?? (didNotRun ? 0 : removalOrder.entryLimit ?? 0)
        let bytes = outcome.removal?.bytes ?? (didNotRun ? 0 : removalOrder.byteLimit ?? 0)
        guard entries > 0 || bytes > 0 else { return }
        try db.execute(
            sql: """
                INSERT INTO deletion_use (key_id, day, entries, bytes) VALUES (?, ?, ?, ?)
                ON CONFLICT (key_id, day) DO UPDATE
                SET entries = entries + excluded.entries, bytes = bytes + excluded.bytes
                """,
            arguments: [keyID, DeletionBudget.day(of: time), entries, bytes])
    }
}
