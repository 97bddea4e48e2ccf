internal import CommandPolicy
internal import ControlPlane
internal import PolicyDocuments

// What holds for the audit log.

extension StoreConformance {
    /// All checks of the log.
    static var auditChecks: [Check] {
        [
            Check(name: "audit entries are kept, numbered and chained") {
                try await $0.auditEntriesAreChained()
            },
            Check(name: "many who append make one chain") {
                try await $0.manyAppendToOneChain()
            },
            Check(name: "an accepted order has its audit entry") {
                try await $0.acceptedOrdersAreAudited()
            },
        ]
    }
}

extension StoreConformance {
    func auditEntriesAreChained() async throws -> [String] {
        var found = Findings()
        found.check(try await store.auditHead() == nil, "a new log has no head")
        found.check(
            try await store.auditEntries(after: .min, limit: 10).isEmpty, "and no entry")
        let entries = [
            AuditEntry(time: 1.5, event: .userBlocked, accountID: 1),
            AuditEntry(
                time: 2.25, event: .commandDenied, accountID: 1, keyID: 2, instanceID: 3,
                text: "ls; \u{0}\u{1b}[2J\n\"é\"", decision: Policy.vast.decide("ls; reboot")),
            AuditEntry(time: 3, event: .backupRestored, detail: "x"),
        ]
        for entry in entries { try await store.append(entry) }
        let records = try await store.auditEntries(after: .min, limit: 10)
        found.check(records.map(\.sequence) == [1, 2, 3], "entries are numbered from 1 on")
        found.check(records.map(\.entry) == entries, "and come back as they were")
        found.check(
            try records.map(\.body) == entries.map { Array(try $0.body().utf8) },
            "their bodies to the byte")
        var link = AuditHash.start
        for record in records {
            link = AuditHash(after: link, sequence: record.sequence, body: record.body)
            found.check(link == record.hash, "entry \(record.sequence) is hashed after the others")
        }
        let head = AuditHead(sequence: 3, hash: link)
        found.check(try await store.auditHead() == head, "the head is the last entry")
        found.check(
            try await store.verifyAudit(witness: head) == head, "and the chain holds up to it")
        found.check(
            try await store.auditEntries(after: 1, limit: 1).map(\.sequence) == [2], "a page is one"
        )
        found.check(
            try await store.auditEntries(after: 3, limit: 1).isEmpty, "behind the end is nothing")
        return found.list
    }

    func manyAppendToOneChain() async throws -> [String] {
        var found = Findings()
        let count = 300
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                group.addTask {
                    try await store.append(
                        AuditEntry(time: Double(index), event: .commandDenied))
                }
            }
            try await group.waitForAll()
        }
        let head = try await store.verifyAudit()
        found.check(head.sequence == Int64(count), "every entry is there, in one chain")
        let times = try await store.auditEntries(after: 0, limit: count + 1).map {
            $0.entry?.time
        }
        found.check(Set(times) == Set((0..<count).map(Double.init)), "each of them once")
        return found.list
    }

    func acceptedOrdersAreAudited() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let before = try await store.auditHead()?.sequence ?? 0
        let first = try await world.order(store, "rm a")
        let again = try await world.order(store, "rm a")
        found.check(again.command.id == first.command.id, "the second order is the first command")
        let entries = try await store.auditEntries(after: before, limit: 10).map(\.entry)
        let expected = [AuditEntry.Event.commandAccepted, .commandRepeated].map { event in
            AuditEntry(
                time: first.command.createdAt, event: event, accountID: world.account.id,
                keyID: world.key.id, instanceID: world.instance.id, commandID: first.command.id,
                text: "rm a", decision: first.command.decision)
        }
        found.check(
            entries == expected,
            "an order that is accepted, and one that is sent again, have one entry each")
        var bounds = QueueBounds()
        bounds.perAccount = 1
        do {
            _ = try await world.order(store, "ls", bounds: bounds)
            found.check(false, "one too many is refused")
        } catch is ControlPlaneError {
            let end = try await store.auditHead()?.sequence
            found.check(end == before + 2, "and leaves no entry of an acceptance")
        }
        return found.list
    }
}
