internal import ControlPlane

extension StoreConformance {
    func keyScopes() async throws -> [String] {
        var found = Findings()
        let account = try await store.ensureAccount(named: "maria")
        let other = try await store.ensureAccount(named: "noor")
        let scope = KeyScope(
            permissions: KeyPermissions([
                .userRead: .whole,
                .instanceRead: .routes([
                    "api.instance.show": IDConstraint([.gte: .id(3), .lte: .id(Int64.max)])
                ]),
            ]), commands: ["vast/ls"], paths: ["/wörk"], writes: false,
            deletionBudget: DeletionBudget(entries: 3))
        let secret = Secret()
        let key = try await store.addKey(
            secret.digest, name: "narrow", account: account.id, scope: scope, expiresAt: 100, at: 1)
        let plain = try await store.addKey(
            Secret().digest, name: "plain", account: account.id, at: 2)
        found.check(
            key.scope == scope && key.expiresAt == 100, "a key is returned as it was ordered")
        let principal = try await store.principal(keyDigest: secret.digest, at: 99.9)
        found.check(
            principal
                == Principal(account: account, keyID: key.id, scope: scope, expiresAt: 100),
            "a key brings what it may do")
        found.check(
            try await store.principal(keyDigest: secret.digest, at: 100) == nil,
            "a key is nobody from its expiry on")
        found.check(
            try await store.keys(account: account.id) == [key, plain],
            "an account's keys are listed by id, expired ones too")
        found.check(plain.scope == .everything, "a key without a scope may do everything")
        found.check(
            try await store.keys(account: other.id).isEmpty, "nobody else's keys are listed")
        found.check(try await store.revokeKey(id: key.id, at: 200), "an expired key is revoked")
        found.check(
            try await store.keys(account: account.id) == [plain], "revoked keys are not listed")
        return found.list
    }

    func keyOrdersAreAudited() async throws -> [String] {
        var found = Findings()
        let account = try await store.ensureAccount(named: "maria")
        let first = try await store.addKey(
            Secret().digest, name: "laptop", account: account.id, at: 1)
        let second = try await store.addKey(
            Secret().digest, name: "by key 9: x", account: account.id, scope: .agent,
            expiresAt: nil, orderedBy: first.id, at: 2)
        _ = try await store.revokeKey(id: second.id, orderedBy: first.id, at: 3)
        _ = try await store.revokeKey(id: second.id, orderedBy: first.id, at: 4)
        _ = try await store.revokeKey(id: first.id, at: 5)
        func entry(_ time: Double, _ event: AuditEntry.Event, _ key: APIKey, _ detail: String?)
            -> AuditEntry
        {
            AuditEntry(
                time: time, event: event, accountID: account.id, keyID: key.id, detail: detail)
        }
        found.check(
            try await store.auditEntries(after: 0, limit: 10).map(\.entry) == [
                entry(1, .keyCreated, first, "laptop"),
                entry(2, .keyCreated, second, "by key \(first.id): by key 9: x"),
                entry(3, .keyRevoked, second, "by key \(first.id)"),
                entry(5, .keyRevoked, first, nil),
            ], "the log has which key ordered a key, or its end, and nothing of what did not happen"
        )
        return found.list
    }

    func deletionUse() async throws -> [String] {
        var found = Findings()
        let account = try await store.ensureAccount(named: "maria")
        let one = try await store.addKey(Secret().digest, name: "1", account: account.id, at: 1)
        let two = try await store.addKey(Secret().digest, name: "2", account: account.id, at: 1)
        let day = DeletionBudget.day(of: 86_400 * 20_000 + 86_399.9)
        found.check(day == 20_000, "a day ends at midnight, UTC")
        found.check(
            try await store.deletionUse(key: one.id, day: day) == (0, 0), "first there is no use")
        try await store.addDeletionUse(key: one.id, day: day, entries: 2, bytes: 1 << 40)
        try await store.addDeletionUse(key: one.id, day: day, entries: 3, bytes: 0)
        found.check(
            try await store.deletionUse(key: one.id, day: day) == (5, 1 << 40), "uses add up")
        found.check(
            try await store.deletionUse(key: one.id, day: day + 1) == (0, 0),
            "the next day begins anew")
        found.check(
            try await store.deletionUse(key: two.id, day: day) == (0, 0),
            "another key has its own")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await store.addDeletionUse(key: two.id, day: day, entries: 1, bytes: 7)
                }
            }
            try await group.waitForAll()
        }
        found.check(
            try await store.deletionUse(key: two.id, day: day) == (50, 350),
            "no use is lost when many are added at once")
        return found.list
    }
}
