import AgentLink
import CommandPolicy
import ControlPlane
import GRDB
import PolicyDocuments
import StoreConformance
import Synchronization
import Testing

@testable import SQLiteStore

/// What is asked for every command, or every second, must not cost more the longer a server has lived: records stay
/// for 90 days.
@Suite struct QueryPlanTests {
    @Test func `no statement reads through all commands`() async throws {
        let plans = try await Self.plans { store in
            for check in StoreConformance<SQLiteStore>.checks {
                // Each wants a store of its own; here its statements are enough.
                _ = try? await check.run(StoreConformance(store))
            }
            try await Self.orderRemovals(store)
        }
        #expect(plans.count > 30, "the statements were seen")
        // The plan of an INSERT has the search for rows that refer to the new one; it is done only while a foreign key is
        // violated, which no statement leaves behind (sqlite.org/foreignkeys.html).
        for (sql, steps) in plans where !sql.hasPrefix("INSERT") {
            // So many rows and no more, when every one is taken.
            let isBounded = sql.contains("LIMIT") && !sql.contains("WHERE")
            for step in steps {
                #expect(
                    isBounded || !Self.growing.contains { step.hasPrefix("SCAN \($0)") },
                    "\(step): \(sql)")
                // All that a key or an account ever ordered, too.
                #expect(
                    !step.hasSuffix("command_key (key_id=?)")
                        && !step.hasSuffix("command_account (account_id=?)"), "\(step): \(sql)")
            }
        }
    }

    @Test func `what an order that removes asks is answered by small indexes`() async throws {
        let plans = try await Self.plans { try await Self.orderRemovals($0) }
        for (words, index) in [
            ("variant = ? AND machine_id = ? AND finished_at IS NULL", "INDEX command_open"),
            ("AND id IN (", "PRIMARY KEY (rowid=?)"),
            ("removal_order ->> '$.preview'", "INDEX command_removals_under_way"),
            ("idempotency_key = ?", "INDEX command_idempotency"),
        ] {
            let asked = plans.filter { $0.key.contains(words) }
            #expect(asked.count == 1, "\(words)")
            for (_, steps) in asked {
                #expect(steps.contains { $0.contains(index) }, "\(words): \(steps)")
            }
        }
    }

    @Test func `what is asked every second is answered by its own index, in its order`()
        async throws
    {
        let plans = try await Self.plans { store in
            _ = try await store.queuedCommands(startBefore: .infinity, after: nil, limit: 5)
            _ = try await store.overdueCommands(at: 1, after: nil, limit: 5)
            _ = try await store.expiredResults(at: 1, limit: 5)
            // More than nothing has to go, else nobody asks which.
            try await Self.orderRemovals(store)
            for command in try await store.overdueCommands(at: 1e9, after: nil, limit: 9) {
                _ = try await store.finish(
                    command.id, from: nil, as: .exited, outcome: CommandOutcome(sha256: ""),
                    startedAt: nil, at: 1)
            }
            #expect(try await store.resultsBeyond(byteCount: 0, limit: 5).count > 0)
        }
        for (words, index) in [
            ("state = 'queued'", "INDEX command_queued (start_by>? AND start_by<?)"),
            ("WHERE finished_at IS NULL AND start_by", "INDEX command_overdue (start_by>? AND"),
            ("WHERE result_expires_at < ?", "INDEX command_result_expiry"),
            ("ORDER BY result_expires_at, id", "INDEX command_result_expiry"),
        ] {
            let asked = plans.filter { Self.line($0.key).contains(words) }
            #expect(asked.count == 1, "\(words)")
            for (_, steps) in asked {
                #expect(steps.contains { $0.contains(index) }, "\(words): \(steps)")
                #expect(!steps.contains { $0.contains("TEMP B-TREE") }, "\(words): \(steps)")
            }
        }
    }

    /// A removal by a key with a budget, the same once more, and one whose answer got lost; each kind with a name too.
    private static func orderRemovals(_ store: SQLiteStore) async throws {
        let account = try await store.ensureAccount(named: "remover")
        let key = try await store.addKey(Secret().digest, name: "k", account: account.id, at: 1)
        let machine = try await store.ensureLocalMachine(name: "here", at: 1)
        try await store.upsert(
            InstanceReport(
                containerID: "removals", name: "c", image: "i", status: "running", owner: "",
                label: nil, createdAt: 1, startedAt: nil, environment: [], statusMessage: nil),
            machine: machine.id, owner: account.id)
        let instance = try #require(try await store.instances(account: account.id).last)
        for (undelivered, name) in [([], nil), ([], nil), ([1, 2], nil), ([], "n"), ([], "n")]
            as [([Int64], String?)]
        {
            // The last two find the key's budget in use, after they have asked.
            _ = try? await store.add(
                NewCommand(
                    accountID: account.id, keyID: key.id, instance: instance,
                    text: "rm \(undelivered.count)", decision: Policy.vast.decide("rm x"),
                    removalOrder: RemovalOrder(previews: false),
                    deletionBudget: DeletionBudget(entries: 5, bytes: 5), timeoutSeconds: 1,
                    createdAt: 1, startBy: 2, resultDigest: Secret().digest, resultExpiresAt: 3,
                    idempotencyKey: name, undelivered: undelivered, state: .dispatched),
                bounds: QueueBounds())
        }
    }

    /// Tables that grow with what there once was.
    private static let growing = ["command", "result_secret", "deletion_use", "instance_order"]

    private static func line(_ sql: String) -> String {
        sql.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// What SQLite, the one that is built in, does for each statement that `body` runs.
    private static func plans(
        of body: (SQLiteStore) async throws -> Void
    ) async throws -> [String: [String]] {
        let seen = Seen()
        var plans: [String: [String]] = [:]
        try await withTemporaryFolder { folder in
            let store = try SQLiteStore(path: folder + "/db")
            let watch: @Sendable (Database) -> Void = { db in
                db.trace { event in
                    if case .statement(let statement) = event { seen.note(statement.sql) }
                }
            }
            // Who reads does so one after the other here, by the first of the connections.
            try await store.pool.read { watch($0) }
            try await store.pool.writeWithoutTransaction { watch($0) }
            try await body(store)
            plans = try await store.pool.writeWithoutTransaction { db in
                var plans: [String: [String]] = [:]
                db.trace()
                for sql in seen.statements {
                    let statement = try db.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
                    // Plans depend on no arguments, so there are none.
                    statement.setUncheckedArguments([])
                    plans[sql] = try Row.fetchAll(statement).map { $0["detail"] }
                }
                return plans
            }
        }
        return plans
    }

    private final class Seen: Sendable {
        private let list = Mutex<Set<String>>([])

        var statements: Set<String> { list.withLock { $0 } }

        func note(_ sql: String) {
            let verbs = ["SELECT", "INSERT", "UPDATE", "DELETE"]
            guard verbs.contains(where: { sql.hasPrefix($0) }) else { return }
            list.withLock { _ = $0.insert(sql) }
        }
    }
}
