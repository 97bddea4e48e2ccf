import AgentLink
import ControlPlane
import GRDB
import StoreConformance
import Testing

@testable import SQLiteStore

/// A wish and its entry in the audit log are one transaction.
@Suite struct WishAuditTests {
    @Test func `what cannot be noted is not wished`() async throws {
        try await withTemporaryFolder { folder in
            let store = try SQLiteStore(path: folder + "/db")
            let account = try await store.ensureAccount(named: "maria").id
            let machine = try await store.ensureLocalMachine(name: "here", at: 1).id
            try await store.keep(.sample(slots: 4, diskFreeGB: 100), machine: machine, at: 1)
            let offer = try #require(try await store.offers().first).id
            let new = NewInstance(
                accountID: account, offerID: offer, image: "box", label: "before",
                state: .running, diskGB: 8, runtype: "ssh", hiddenNames: [],
                keyDigest: SecretDigest(of: "one"),
                order: RepeatableOrder(keyID: 1, digest: [1], at: 1) { _ in true }
            ) { _, _ in [1] }
            let call = AuditEntry(time: 2, event: .apiCalled, accountID: account)
            let made = try await store.create(new, noting: call).wish
            let id = made.instance.id
            let keys = try await store.keys(account: account)
            let head = try await store.auditHead()

            try await store.pool.write { db in
                try db.execute(
                    sql: """
                        CREATE TRIGGER no_calls BEFORE INSERT ON audit
                        WHEN NEW.body LIKE '%api.called%'
                        BEGIN SELECT RAISE(ABORT, 'no more'); END
                        """)
            }
            var second = new
            second.keyDigest = SecretDigest(of: "two")
            second.order.digest = [2]
            let changes: [@Sendable () async throws -> Void] = [
                { [second] in _ = try await store.create(second, noting: call) },
                { _ = try await store.wish(.stopped, for: id, account: account, noting: call) },
                { _ = try await store.wish(.gone, for: id, account: account, noting: call) },
                {
                    _ = try await store.renew(
                        id, account: account, specification: [2], image: "other", noting: call)
                },
                { _ = try await store.setLabel("after", of: id, account: account, noting: call) },
            ]
            for change in changes {
                let error = await #expect(throws: DatabaseError.self) { try await change() }
                #expect(error?.message == "no more")
            }
            #expect(try await store.wish(for: id) == made)
            #expect(try await store.instances(account: account) == [made.instance])
            #expect(try await store.keys(account: account) == keys, "nor is there a key of it")
            #expect(try await store.auditHead() == head)

            try await store.pool.write { try $0.execute(sql: "DROP TRIGGER no_calls") }
            for change in changes.dropFirst(3) { try await change() }
            #expect(try await store.wish(for: id)?.specification == [2])
            #expect(try await store.instance(id)?.label == "after")
            #expect(
                try await store.verifyAudit(witness: head).sequence == (head?.sequence ?? 0) + 2)
        }
    }
}
