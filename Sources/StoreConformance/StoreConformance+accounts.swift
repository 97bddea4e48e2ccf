internal import AgentLink
internal import ControlPlane

// What else belongs to an account.
extension StoreConformance {
    static var accountChecks: [Check] {
        [
            Check(name: "SSH keys are their account's, each once") { try await $0.sshKeys() },
            Check(name: "keys are attached to and detached from one instance") {
                try await $0.instanceSSHKeys()
            },
            Check(name: "SSH keys are bounded") { try await $0.sshKeyBound() },
            Check(name: "environment variables change all together, and are bounded") {
                try await $0.environmentVariables()
            },
            Check(name: "the newest addresses are kept") { try await $0.addresses() },
            Check(name: "an account's part of the audit log is found") {
                try await $0.accountAudit()
            },
            Check(name: "a key that is reset keeps all but its secret") { try await $0.keyReset() },
        ]
    }

    static func key(_ name: String) -> SSHPublicKey {
        SSHPublicKey(type: "ssh-ed25519", encoded: name, comment: "")
    }

    static func call(_ account: Account, at time: Double = 1) -> AuditEntry {
        AuditEntry(time: time, event: .apiCalled, accountID: account.id, keyID: 1)
    }

    /// An account with some instances.
    func account(_ name: String, instances count: Int) async throws -> (
        Account, [Instance.ID]
    ) {
        let account = try await store.ensureAccount(named: name)
        let machine = try await store.ensureLocalMachine(name: "here", at: 1)
        for number in 0..<count {
            _ = try await store.upsert(
                InstanceReport(
                    containerID: "\(name)-\(number)", name: "c", image: "i", status: "running",
                    owner: name, label: nil, createdAt: 1, startedAt: nil, environment: [],
                    statusMessage: nil),
                machine: machine.id, owner: account.id)
        }
        return (account, try await store.instances(account: account.id).map(\.id))
    }

    func environmentVariables() async throws -> [String] {
        var found = Findings()
        let (maria, _) = try await account("maria", instances: 0)
        let (noor, _) = try await account("noor", instances: 0)
        func variables(_ names: [String]) -> [SealedVariable] {
            names.map { SealedVariable(name: $0, sealed: Array("sealed \($0)".utf8)) }
        }
        func set(_ names: [String], areThere: Bool = false) async throws -> Bool {
            try await store.setEnvironmentVariables(
                variables(names), account: maria.id, areThere: areThere, noting: Self.call(maria))
        }
        func names() async throws -> [String] {
            try await store.environmentVariables(account: maria.id).map(\.name)
        }
        found.check(try await set(["B", "A"]), "variables are kept")
        found.check(
            try await store.environmentVariables(account: maria.id) == variables(["A", "B"]),
            "by name, as they were sealed")
        found.check(
            try await store.environmentVariables(account: noor.id).isEmpty,
            "and are their account's alone")
        found.check(
            try await set(["A", "C"], areThere: true) == false, "one that is not there is missed")
        found.check(try await names() == ["A", "B"], "all change or none")
        let other = SealedVariable(name: "A", sealed: [1, 2, 3])
        found.check(
            try await store.setEnvironmentVariables(
                [other], account: maria.id, areThere: true, noting: Self.call(maria)),
            "one that is there changes")
        found.check(
            try await store.environmentVariables(account: maria.id).first == other,
            "and is what it was changed to")
        let many = (0..<EnvironmentAccess.maximumCount).map { "V\($0)" }
        do {
            _ = try await set(many)
            found.check(false, "variables are bounded")
        } catch let error as ControlPlaneError {
            found.check(error.code == .invalidArguments, "the bound is told as one")
        }
        found.check(try await names() == ["A", "B"], "what is too much changes nothing")
        found.check(
            try await store.removeEnvironmentVariable(
                "A", account: noor.id, noting: Self.call(noor)) == false,
            "nobody removes another's")
        found.check(
            try await store.removeEnvironmentVariable(
                "A", account: maria.id, noting: Self.call(maria)), "a variable is removed")
        found.check(try await set(many.dropLast()), "up to the bound is taken")
        return found.list
    }

    func addresses() async throws -> [String] {
        var found = Findings()
        let (maria, _) = try await account("maria", instances: 0)
        let (noor, _) = try await account("noor", instances: 0)
        for number in 0..<70 {
            try await store.note(
                address: "192.0.2.\(number)", account: maria.id, at: Double(number))
        }
        try await store.note(address: "192.0.2.69", account: maria.id, at: 100)
        try await store.note(address: "2001:db8::1", account: noor.id, at: 1)
        let kept = try await store.addresses(account: maria.id)
        found.check(kept.count == AccountAddresses.maximumCount, "addresses are bounded")
        found.check(
            kept.first == SeenAddress(address: "192.0.2.69", firstSeen: 69),
            "the newest come first, with when they were first seen")
        found.check(kept.last?.address == "192.0.2.6", "the oldest go")
        found.check(
            try await store.addresses(account: noor.id).map(\.address) == ["2001:db8::1"],
            "each account has its own")
        return found.list
    }

    func accountAudit() async throws -> [String] {
        var found = Findings()
        let (maria, _) = try await account("maria", instances: 0)
        let (noor, _) = try await account("noor", instances: 0)
        for number in 1...30 {
            let account = number.isMultiple(of: 3) ? noor : maria
            var entry = AuditEntry(
                time: Double(number), event: .apiCalled, accountID: account.id,
                keyID: Int64(number.isMultiple(of: 2) ? 2 : 1))
            entry.route = "PUT /x"
            entry.arguments = ["a": "b"]
            entry.address = "192.0.2.1"
            try await store.append(entry)
        }
        func times(
            _ account: Account, key: APIKey.ID? = nil, before: Int64? = nil, limit: Int = 100
        ) async throws -> [Double] {
            try await store.auditEntries(
                account: account.id, key: key, before: before, limit: limit
            ).compactMap(\.entry).map(\.time)
        }
        found.check(
            try await times(noor) == [30, 27, 24, 21, 18, 15, 12, 9, 6, 3],
            "an account's entries, newest first")
        let page = try await store.auditEntries(
            account: maria.id, key: nil, before: nil, limit: 5)
        found.check(page.count == 5, "at most so many")
        found.check(
            try await times(maria, before: page.last?.sequence, limit: 2) == [22, 20],
            "pages go on where the last one ended")
        found.check(
            try await times(maria, key: 2) == [28, 26, 22, 20, 16, 14, 10, 8, 4, 2],
            "a key's entries")
        let (all, keys) = (
            try await store.auditCount(account: maria.id, key: nil),
            try await store.auditCount(account: maria.id, key: 2)
        )
        found.check(all == 20 && keys == 10, "they are counted")
        found.check(
            page.first?.entry?.arguments == ["a": "b"] && page.first?.entry?.route == "PUT /x"
                && page.first?.entry?.address == "192.0.2.1", "an entry is what it was")
        _ = try await store.verifyAudit()
        return found.list
    }

    func keyReset() async throws -> [String] {
        var found = Findings()
        let (maria, _) = try await account("maria", instances: 0)
        let (old, new) = (Secret(), Secret())
        let key = try await store.addKey(
            old.digest, name: "k", account: maria.id, scope: .agent, expiresAt: 100, at: 1)
        found.check(
            try await store.resetKey(
                id: key.id, from: old.digest, to: new.digest, address: "192.0.2.1", at: 2),
            "a key is reset")
        found.check(
            try await store.resetKey(
                id: key.id, from: old.digest, to: Secret().digest, address: nil, at: 2) == false,
            "with its present secret alone")
        found.check(
            try await store.principal(keyDigest: old.digest, at: 3) == nil,
            "the old secret is nobody's")
        found.check(
            try await store.principal(keyDigest: new.digest, at: 3)
                == Principal(account: maria, keyID: key.id, scope: .agent, expiresAt: 100),
            "the new one is the same key's")
        _ = try await store.revokeKey(id: key.id, at: 4)
        found.check(
            try await store.resetKey(
                id: key.id, from: new.digest, to: Secret().digest, address: nil, at: 5) == false,
            "a revoked key is not reset")
        let entries = try await store.auditEntries(
            account: maria.id, key: key.id, before: nil, limit: 9
        ).compactMap(\.entry)
        found.check(
            entries.map(\.event) == [.keyRevoked, .keyReset, .keyCreated]
                && entries.dropFirst().first?.address == "192.0.2.1",
            "the audit log has it")
        return found.list
    }
}
