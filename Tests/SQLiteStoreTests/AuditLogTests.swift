import CommandPolicy
import ControlPlane
import Foundation
import GRDB
import PolicyDocuments
import Testing

@testable import SQLiteStore

@Suite struct AuditLogTests {
    @Test(arguments: [
        "UPDATE audit SET body = '{}' WHERE sequence = 2",
        "UPDATE audit SET sequence = 9 WHERE sequence = 3",
        "DELETE FROM audit WHERE sequence = 3",
        "DELETE FROM audit",
        "INSERT INTO audit VALUES (5, '{}', zeroblob(32))",
        "INSERT INTO audit VALUES (0, '{}', zeroblob(32))",
        "INSERT OR REPLACE INTO audit VALUES (2, '{}', zeroblob(32))",
        "INSERT OR IGNORE INTO audit VALUES (2, '{}', zeroblob(32))",
        "INSERT INTO audit VALUES (3, '', x'') ON CONFLICT DO UPDATE SET body = '{}'",
    ])
    func `entries are added behind the last one and stay as they are`(statement: String)
        async throws
    {
        try await withLog { store, _ in
            let before = try await store.auditEntries(after: .min, limit: 10)
            let error = await #expect(throws: DatabaseError.self) {
                try await store.pool.write { try $0.execute(sql: statement) }
            }
            #expect(error?.message == "the audit log is append-only")
            #expect(try await store.auditEntries(after: .min, limit: 10) == before)
        }
    }

    /// What somebody does who may write the file: the triggers are in it.
    @Test(arguments: [
        (
            "UPDATE audit SET body = replace(body, 'rm a', 'ls a') WHERE sequence = 2",
            AuditBreak.hashDiffers(2)
        ),
        ("UPDATE audit SET body = body || x'ff' WHERE sequence = 2", .hashDiffers(2)),
        ("UPDATE audit SET hash = zeroblob(32) WHERE sequence = 3", .hashDiffers(3)),
        ("UPDATE audit SET hash = x'' WHERE sequence = 1", .hashDiffers(1)),
        ("DELETE FROM audit WHERE sequence = 2", .gap(expected: 2, found: 3)),
        ("DELETE FROM audit WHERE sequence = 1", .gap(expected: 1, found: 2)),
        ("DELETE FROM audit WHERE sequence = 3", .cutOff(end: 2, head: 3)),
        ("DELETE FROM audit", .cutOff(end: 0, head: 3)),
        ("UPDATE audit SET sequence = -1 WHERE sequence = 1", .gap(expected: 1, found: -1)),
        (
            "UPDATE audit SET body = CAST(x'7b22ff227d' AS TEXT) WHERE sequence = 2",
            .hashDiffers(2)
        ),
    ])
    func `a change of the file is found`(statement: String, found: AuditBreak) async throws {
        try await withLog { store, head in
            #expect(try await store.verifyAudit(witness: head) == head)
            try await store.pool.write { db in
                for trigger in ["audit_update", "audit_delete", "audit_insert"] {
                    try db.execute(sql: "DROP TRIGGER \(trigger)")
                }
                try db.execute(sql: statement)
                #expect(db.changesCount > 0)
            }
            await #expect(throws: found) { try await store.verifyAudit(witness: head) }
        }
    }

    @Test func `an entry goes with the transaction that it tells of`() async throws {
        try await withLog { store, head in
            struct Undone: Error {}
            await #expect(throws: Undone.self) {
                try await store.writes.write { db in
                    try AuditLogWriter.append(db, AuditEntry(time: 9, event: .keyCreated))
                    throw Undone()
                }
            }
            #expect(try await store.auditHead() == head)
            try await store.append(AuditEntry(time: 9, event: .keyRevoked))
            #expect(try await store.verifyAudit(witness: head).sequence == head.sequence + 1)
        }
    }

    /// As the server and an `admin` verb do: two connections, each with its own queue of writes.
    @Test func `two who have the file open make one chain`() async throws {
        try await withTemporaryFolder { folder in
            let stores = [
                try SQLiteStore(path: folder + "/db", lockPatience: 600),
                try SQLiteStore(path: folder + "/db", lockPatience: 600),
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<200 {
                    group.addTask {
                        try await stores[index % 2].append(
                            AuditEntry(time: Double(index), event: .commandDenied))
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await stores[0].verifyAudit().sequence == 200)
            let times = try await stores[1].auditEntries(after: 0, limit: 300)
                .compactMap(\.entry?.time)
            #expect(times.sorted() == (0..<200).map(Double.init))
        }
    }

    @Test func `a long log is walked page by page, to the first break`() async throws {
        try await withTemporaryFolder { folder in
            let store = try SQLiteStore(path: folder + "/db")
            try await store.writes.write { db in
                for index in 0..<1200 {
                    try AuditLogWriter.append(
                        db, AuditEntry(time: Double(index), event: .commandDenied))
                }
            }
            var told: [Int64] = []
            let head = try await store.verifyAudit { told.append($0) }
            #expect(head.sequence == 1200)
            #expect(told == [500, 1000])
            try await store.pool.write { db in
                try db.execute(
                    sql: """
                        DROP TRIGGER audit_update;
                        UPDATE audit SET body = '{}' WHERE sequence = 1001
                        """)
            }
            await #expect(throws: AuditBreak.hashDiffers(1001)) { try await store.verifyAudit() }
        }
    }

    @Test func `a backup's chain goes on, and the live one holds its head`() async throws {
        try await withTemporaryFolder { folder in
            try await withLog { store, head in
                try await store.backUp(to: folder + "/copy")
                try await store.append(AuditEntry(time: 9, event: .userBlocked, accountID: 1))
                #expect(try await store.verifyAudit(witness: head).sequence == 4)

                let copy = try SQLiteStore(path: folder + "/copy")
                try await copy.append(AuditEntry(time: 10, event: .backupRestored))
                let restored = try await copy.verifyAudit(witness: head)
                #expect(restored.sequence == 4)
                await #expect(throws: AuditBreak.headDiffers(4)) {
                    try await store.verifyAudit(witness: restored)
                }
            }
        }
    }

    /// A store with three entries, and its head.
    private func withLog(_ body: (SQLiteStore, AuditHead) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let store = try SQLiteStore(path: folder + "/db")
            for text in ["ls", "rm a", "du"] {
                try await store.append(
                    AuditEntry(
                        time: 1, event: .commandDenied, accountID: 1, text: text,
                        decision: Policy.vast.decide(text)))
            }
            try await body(store, try #require(try await store.auditHead()))
        }
    }
}
