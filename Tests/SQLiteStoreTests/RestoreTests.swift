import AgentLink
import CommandPolicy
import ControlPlane
import Foundation
import PolicyDocuments
import StoreConformance
import Testing

@testable import SQLiteStore

/// What was under way when a backup was made does not go on in a copy that is restored from it.
@Suite struct RestoreTests {
    private static let due = 7200.0

    @Test func `a removal that may have been done since is charged to its key's budget`()
        async throws
    {
        try await withCopy { store in
            let world = try await World(store)
            try await world.remove(DeletionBudget(entries: 10, bytes: 1000))
        } restored: { copy in
            #expect(try await copy.endAllOpenCommands(note: "restored", at: 9) == 1)
            let use = try await copy.deletionUse(key: 1, day: 0)
            #expect(use.entries == 10 && use.bytes == 1000)
        }
    }

    @Test func `a removal of a key that has no budget costs nothing, and nor does a preview`()
        async throws
    {
        try await withCopy { store in
            let world = try await World(store)
            try await world.remove(DeletionBudget(entries: 10), previews: true)
            try await world.remove(nil)
        } restored: { copy in
            #expect(try await copy.endAllOpenCommands(note: "restored", at: 9) == 2)
            let use = try await copy.deletionUse(key: 1, day: 0)
            #expect(use.entries == 0 && use.bytes == 0)
        }
    }

    @Test func `no wish of before is told to a machine, but one that an instance be gone`()
        async throws
    {
        try await withCopy { store in
            let world = try await World(store)
            // One that has its container and is to be stopped, one that is yet to be made, one that is to go.
            for name in ["stopped", "new", "gone"] { try await world.make(name) }
            try await world.settle([1: "stopped", 3: "gone"])
            for (state, id) in [(.stopped, 1), (.gone, 3)] as [(InstanceOrder.State, Int64)] {
                _ = try await store.wish(
                    state, for: id, account: world.account, noting: world.call)
            }
        } restored: { copy in
            let before = try await copy.wishes(machine: 1).map(\.instance.wish.number)
            #expect(before == [2, 1, 2])
            #expect(try await copy.giveUpOpenWishes(at: 9) == 2)
            let left = try await copy.wishes(machine: 1).map(\.instance)
            #expect(left.filter { !$0.wish.isSettled }.map(\.id) == [3])
            #expect(left.map(\.id) == [1, 3], "nothing is to be made")
            #expect(left.allSatisfy { $0.wish.number > 1000 }, "no machine knows such a wish")

            // One that was made since is there again; what was destroyed since is not.
            let report = World.report(2, "new")
            try await copy.replaceAll(machine: 1, with: [(report, 1)], at: 10)
            let there = try await copy.instances(account: 1)
            #expect(there.map(\.id) == [2])
            #expect(there.first?.containerID == "new" && there.first?.wish.isSettled == true)
            let keys = try await copy.keys(account: 1).map(\.name)
            #expect(Set(keys) == ["k", "instance 2", "instance 3"])
        }
    }

    @Test func `no due time of before is fired`() async throws {
        try await withCopy { store in
            let world = try await World(store)
            // Of one a due time is decided on, and of both another one passes before the restore.
            for command in ["ls", "du"] { try await world.schedule(command) }
            let job = try #require(try await store.dueJobs(at: Self.due, limit: 1).first)
            #expect(try await store.decide(JobDecision(job, at: Self.due, grace: 300)))
            #expect(try await store.openRuns(limit: 9).count == 1)
        } restored: { copy in
            let time = Self.due + 3600 + 60
            #expect(try await copy.passOverDueTimes(note: "restored", at: time) == 5)
            #expect(try await copy.openRuns(limit: 9).isEmpty)
            #expect(try await copy.dueJobs(at: time, limit: 9).isEmpty)
            let jobs = try await copy.jobs(account: 1)
            #expect(jobs.map(\.nextDueAt) == [Self.due + 7200, Self.due + 7200])
            #expect(jobs.map(\.firedCount) == [0, 0] && jobs.map(\.skippedCount) == [3, 3])
            #expect(jobs.compactMap(\.lastRun).map(\.state) == [.lost])
            #expect(jobs.compactMap(\.lastRun).first?.note == "restored")
        }
    }

    @Test func `a store that is closed is one file, and a backup knows its results`() async throws {
        try await withTemporaryFolder { folder in
            let store = try SQLiteStore(path: folder + "/db")
            let world = try await World(store)
            try await world.remove(nil)
            try await world.remove(nil)
            let outcome = CommandOutcome(sha256: CommandFinished.emptyDigest)
            _ = try await store.finish(
                1, from: nil, as: .exited, outcome: outcome, startedAt: nil, at: 2)
            #expect(try await store.backUp(to: folder + "/copy") == [1])
            try store.close()
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(names.sorted() == ["copy", "db"])
            let moved = folder + "/moved"
            try FileManager.default.moveItem(atPath: folder + "/db", toPath: moved)
            #expect(try await SQLiteStore(path: moved).command(2)?.state == .dispatched)
        }
    }

    private func withCopy(
        of fill: (SQLiteStore) async throws -> Void,
        restored check: (SQLiteStore) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let store = try SQLiteStore(path: folder + "/db")
            try await fill(store)
            try await store.backUp(to: folder + "/copy")
            try await check(try SQLiteStore(path: folder + "/copy"))
        }
    }
}

/// An account with a key, a machine that offers room, and on it a container that somebody else made.
private struct World {
    let store: SQLiteStore
    let account: Account.ID
    let key: APIKey.ID
    let call: AuditEntry

    init(_ store: SQLiteStore) async throws {
        self.store = store
        account = try await store.ensureAccount(named: "maria").id
        key = try await store.addKey(Secret().digest, name: "k", account: account, at: 1).id
        let machine = try await store.ensureLocalMachine(name: "here", at: 1).id
        var report = MachineReport.sample(slots: 4, diskFreeGB: 100)
        report.gpus = []
        try await store.keep(report, machine: machine, at: 1)
        call = AuditEntry(time: 1, event: .apiCalled, accountID: account)
    }

    /// An instance as its machine tells of it.
    static func report(_ id: Instance.ID?, _ name: String) -> InstanceReport {
        InstanceReport(
            containerID: name, name: name, image: "box", status: "running", owner: "", label: nil,
            createdAt: 1, startedAt: nil, environment: [], statusMessage: nil, instanceID: id,
            generation: id.map { _ in 1 })
    }

    /// An instance that is yet to be made.
    func make(_ name: String) async throws {
        let offer = try #require(try await store.offers().first).id
        _ = try await store.create(
            NewInstance(
                accountID: account, offerID: offer, image: "box", label: name, state: .running,
                diskGB: 8, runtype: "ssh", hiddenNames: [], keyDigest: SecretDigest(of: name),
                order: RepeatableOrder(keyID: key, digest: Array(name.utf8), at: 1) { _ in true }
            ) { _, _ in [1] }, noting: call)
    }

    /// Their machine has made these.
    func settle(_ names: [Instance.ID: String]) async throws {
        for (id, name) in names {
            try await store.upsert(Self.report(id, name), machine: 1, owner: account)
            try await store.progress(
                InstanceProgress(instanceID: id, number: 1, phase: .done, message: ""),
                machine: 1, at: 1)
        }
    }

    func remove(_ budget: DeletionBudget?, previews: Bool = false) async throws {
        let instance = try await instance()
        _ = try await store.add(
            NewCommand(
                accountID: account, keyID: key, instance: instance, text: "rm x",
                decision: Policy.vast.decide("rm x"),
                removalOrder: RemovalOrder(previews: previews), deletionBudget: budget,
                timeoutSeconds: 1, createdAt: 1, startBy: 2, resultDigest: Secret().digest,
                resultExpiresAt: 3, idempotencyKey: Secret().text, state: .dispatched),
            bounds: QueueBounds())
    }

    func schedule(_ command: String) async throws {
        let instance = try await instance()
        _ = try await store.addJob(
            NewScheduledJob(
                accountID: account, keyID: key, instanceID: instance.id,
                action: .execute(try ScheduledCommand(CommandOrder(input: .text(command)))),
                recurrence: try Recurrence(
                    .hourly, day: nil, hour: nil, minute: nil, from: 0, through: 100_000),
                orderedAt: 0),
            limit: 9)
    }

    private func instance() async throws -> Instance {
        try await store.upsert(Self.report(nil, "c"), machine: 1, owner: account)
        return try #require(try await store.instances(account: account).first)
    }
}
