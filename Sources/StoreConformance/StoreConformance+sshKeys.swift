internal import ControlPlane

// Who may log in to instances.
extension StoreConformance {
    func sshKeys() async throws -> [String] {
        var found = Findings()
        let (maria, _) = try await account("maria", instances: 0)
        let (noor, _) = try await account("noor", instances: 0)
        let one = try await store.addSSHKey(
            Self.key("AA"), account: maria.id, noting: Self.call(maria, at: 7))
        let again = try await store.addSSHKey(
            SSHPublicKey(type: "ssh-ed25519", encoded: "AA", comment: "another"),
            account: maria.id, noting: Self.call(maria))
        let others = try await store.addSSHKey(
            Self.key("AA"), account: noor.id, noting: Self.call(noor))
        guard let one, let others else { return ["a new key is kept"] }
        found.check(again == nil, "a key is there once, whatever its comment")
        found.check(one.createdAt == 7 && one.instanceID == nil, "a key is returned as it is kept")
        let two = try await store.addSSHKey(
            Self.key("BB"), account: maria.id, noting: Self.call(maria))
        found.check(
            try await store.sshKeys(account: maria.id).map(\.id) == [one.id, two?.id],
            "an account's keys are listed by id")
        found.check(
            try await store.replaceSSHKey(
                others.id, account: maria.id, with: Self.key("CC"), noting: Self.call(maria))
                == .absent, "nobody replaces another's key")
        found.check(
            try await store.replaceSSHKey(
                one.id, account: maria.id, with: Self.key("BB"), noting: Self.call(maria))
                == .duplicate, "no key becomes another one's double")
        var replaced = one
        replaced.key = SSHPublicKey(type: "ssh-ed25519", encoded: "AA", comment: "new")
        found.check(
            try await store.replaceSSHKey(
                one.id, account: maria.id, with: replaced.key, noting: Self.call(maria))
                == .replaced(replaced), "a key may get another comment")
        found.check(
            try await store.removeSSHKey(others.id, account: maria.id, noting: Self.call(maria))
                == false, "nobody removes another's key")
        found.check(
            try await store.removeSSHKey(one.id, account: maria.id, noting: Self.call(maria)),
            "a key is removed")
        found.check(
            try await store.sshKeys(account: maria.id).map(\.key.encoded) == ["BB"],
            "a removed key is gone")
        let events = try await store.auditEntries(
            account: maria.id, key: nil, before: nil, limit: 99)
        found.check(
            events.compactMap(\.entry).filter { $0.event == .apiCalled }.count == 4,
            "the audit log has what was done, and nothing of what was not")
        return found.list
    }

    func instanceSSHKeys() async throws -> [String] {
        var found = Findings()
        let (maria, ids) = try await account("maria", instances: 2)
        let (noor, _) = try await account("noor", instances: 1)
        guard ids.count == 2 else { return ["instances are reported"] }
        func keys(_ id: Instance.ID) async throws -> [String] {
            try await store.sshKeys(instance: id).map(\.key.encoded)
        }
        func attach(_ name: String, _ id: Instance.ID) async throws -> SSHKey? {
            try await store.attachSSHKey(
                Self.key(name), to: id, account: maria.id, noting: Self.call(maria))
        }
        func detach(_ key: SSHKey?, _ id: Instance.ID) async throws -> Bool {
            try await store.detachSSHKey(
                key?.id ?? 0, from: id, account: maria.id, noting: Self.call(maria))
        }
        let all = try await store.addSSHKey(
            Self.key("AA"), account: maria.id, noting: Self.call(maria))
        _ = try await store.addSSHKey(Self.key("XX"), account: noor.id, noting: Self.call(noor))
        let own = try await attach("BB", ids[0])
        found.check(own?.instanceID == ids[0], "an attached key is its instance's")
        found.check(try await keys(ids[0]) == ["AA", "BB"], "both ways let in")
        found.check(try await keys(ids[1]) == ["AA"], "an attached key is for its instance alone")
        found.check(
            try await store.sshKeys(account: maria.id).map(\.key.encoded) == ["AA"],
            "an attached key is none of the account's")
        found.check(try await attach("AA", ids[0]) == nil, "a key that is in is not attached")
        found.check(try await attach("BB", ids[0]) == nil, "a key is attached once")
        found.check(try await detach(own, ids[1]) == false, "a key is detached where it is")
        found.check(try await detach(all, ids[0]), "a key for all is detached from one")
        found.check(try await keys(ids[0]) == ["BB"], "and is out there")
        found.check(try await keys(ids[1]) == ["AA"], "and in elsewhere")
        found.check(try await detach(all, ids[0]) == false, "it is detached once")
        found.check(try await attach("AA", ids[0])?.id == all?.id, "it is let in again")
        found.check(try await keys(ids[0]) == ["AA", "BB"], "and is in")

        // The same key in both ways.
        let late = try await store.addSSHKey(
            Self.key("BB"), account: maria.id, noting: Self.call(maria))
        found.check(try await keys(ids[0]) == ["AA", "BB"], "a key is there once")
        found.check(
            try await store.removeSSHKey(
                late?.id ?? 0, account: maria.id, noting: Self.call(maria)), "removed for all")
        found.check(try await keys(ids[0]) == ["AA", "BB"], "what was attached stays")
        _ = try await store.addSSHKey(Self.key("BB"), account: maria.id, noting: Self.call(maria))
        found.check(try await detach(own, ids[0]), "it is detached")
        found.check(try await keys(ids[0]) == ["AA"], "and is out, in whichever way it was in")
        found.check(try await keys(ids[1]) == ["AA", "BB"], "there alone")
        return found.list
    }

    func sshKeyBound() async throws -> [String] {
        var found = Findings()
        let (maria, ids) = try await account("maria", instances: 1)
        for number in 0..<SSHKeyAccess.maximumCount {
            _ = try await store.addSSHKey(
                Self.key("\(number)"), account: maria.id, noting: Self.call(maria))
        }
        do {
            _ = try await store.addSSHKey(
                Self.key("one more"), account: maria.id, noting: Self.call(maria))
            found.check(false, "keys are bounded")
        } catch let error as ControlPlaneError {
            found.check(error.code == .invalidArguments, "the bound is told as one")
        }
        found.check(
            try await store.attachSSHKey(
                Self.key("one more"), to: ids.first ?? 0, account: maria.id,
                noting: Self.call(maria)) != nil, "each instance has a bound of its own")
        return found.list
    }
}
