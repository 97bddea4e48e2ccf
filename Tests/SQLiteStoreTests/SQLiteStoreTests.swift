import AgentLink
import CommandPolicy
import ControlPlane
import Foundation
import GRDB
import PolicyDocuments
import StoreConformance
import Testing

@testable import SQLiteStore

@Suite struct SQLiteStoreTests {
    @Test(arguments: StoreConformance<SQLiteStore>.checks)
    func `the embedded store conforms`(check: StoreConformance<SQLiteStore>.Check) async throws {
        try await withTemporaryFolder { folder in
            let store = try SQLiteStore(path: folder + "/db")
            let findings = try await check.run(StoreConformance(store))
            #expect(findings.isEmpty, "\(findings)")
        }
    }

    @Test func `what was written is there when the file is opened again`() async throws {
        try await withTemporaryFolder { folder in
            let account = try await SQLiteStore(path: folder + "/db").ensureAccount(named: "maria")
            let again = try await SQLiteStore(path: folder + "/db").account(named: "maria")
            #expect(again == account)
        }
    }
}

func withTemporaryFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(folder.path)
}

@Suite struct BackupTests {
    @Test func `a backup holds what was there, and a restored one has no open command`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let store = try SQLiteStore(path: folder + "/db")
            let account = try await store.ensureAccount(named: "maria")
            let machine = try await store.ensureLocalMachine(name: "here", at: 1)
            let key = try await store.addKey(Secret().digest, name: "k", account: account.id, at: 1)
            try await store.upsert(
                InstanceReport(
                    containerID: "c", name: "c", image: "i", status: "running", owner: "",
                    label: nil, createdAt: 1, startedAt: nil, environment: [], statusMessage: nil),
                machine: machine.id, owner: account.id)
            let instance = try #require(try await store.instances(account: account.id).first)
            for _ in 0..<3 {
                _ = try await store.add(
                    NewCommand(
                        accountID: account.id, keyID: key.id, instance: instance, text: "ls",
                        decision: Policy.vast.decide("ls"), timeoutSeconds: 1, createdAt: 1,
                        startBy: 2, resultDigest: Secret().digest, resultExpiresAt: 3,
                        state: .dispatched),
                    bounds: QueueBounds())
            }
            try await store.backUp(to: folder + "/copy")
            let copy = try SQLiteStore(path: folder + "/copy")
            #expect(try await copy.openCommands(machine: machine.id).count == 3)
            #expect(try await copy.endAllOpenCommands(note: "restored", at: 9) == 3)
            #expect(try await copy.openCommands(machine: machine.id).isEmpty)
            let command = try await copy.commands(
                account: account.id, key: nil, before: nil, limit: 1)[0]
            #expect(command.state == .lost)
            #expect(command.outcome?.note == "restored")
            #expect(
                try await store.openCommands(machine: machine.id).count == 3, "the live one goes on"
            )
        }
    }
}

@Suite struct GroupCommitTests {
    /// A transaction that cannot begin: every caller is told, and none waits for ever.
    @Test(.timeLimit(.minutes(3)))
    func `writes of a group that cannot begin are all answered`() async throws {
        try await withTemporaryFolder { folder in
            let store = try SQLiteStore(path: folder + "/db")
            try store.pool.close()
            let failures = await withTaskGroup(of: Bool.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        do {
                            _ = try await store.ensureAccount(named: "user \(index)")
                            return false
                        } catch {
                            return true
                        }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(failures == 20)
        }
    }
}
