internal import ControlPlane

extension StoreConformance {
    static var templateChecks: [Check] {
        [
            Check(name: "templates are their account's, or everybody's to see") {
                try await $0.templates()
            },
            Check(name: "templates keep some versions, and are bounded") {
                try await $0.templateBounds()
            },
        ]
    }

    func templates() async throws -> [String] {
        var found = Findings()
        let (maria, _) = try await account("maria", instances: 0)
        let (noor, _) = try await account("noor", instances: 0)
        let one = try await store.addTemplate(
            version("a", of: maria, time: 7), noting: Self.call(maria))
        found.check(
            one.sealed == Array("a".utf8) && one.createdAt == 7 && one.isPrivate
                && one.instanceCount == 0 && one.usedAt == nil,
            "a template is returned as it is kept")
        let open = try await store.addTemplate(
            version("b", of: maria, isPrivate: false), noting: Self.call(maria))
        found.check(
            try await store.templates(account: maria.id) == [one, open], "one's own, by id")
        found.check(
            try await store.templates(account: noor.id) == [open], "of others what is not private")
        for reference in [TemplateReference.id(one.id), .hash("a")] {
            found.check(
                try await store.template(reference, account: maria.id) == one, "found by either")
            found.check(
                try await store.template(reference, account: noor.id) == nil,
                "by those alone who see it")
        }
        for reference in [TemplateReference.id(open.id), .hash("b")] {
            found.check(
                try await store.template(reference, account: noor.id) == open, "others' is found")
            found.check(
                try await store.changeTemplate(
                    reference, id: nil, to: version("x", of: noor), noting: Self.call(noor)) == nil,
                "and changed by its maker alone")
            found.check(
                try await !store.removeTemplate(
                    reference, account: noor.id, noting: Self.call(noor)),
                "and removed by its maker alone")
        }
        _ = try await store.setBlocked(true, accountNamed: "maria")
        found.check(
            try await store.templates(account: noor.id).isEmpty, "a blocked maker's is not seen")
        _ = try await store.setBlocked(false, accountNamed: "maria")

        // A change.
        found.check(
            try await store.changeTemplate(
                .hash("b"), id: one.id, to: version("c", of: maria), noting: Self.call(maria))
                == nil, "the id has to be that of the hash")
        let changed = try await store.changeTemplate(
            .hash("b"), id: open.id, to: version("c", of: maria, isPrivate: false, time: 9),
            noting: Self.call(maria))
        found.check(
            changed?.id == open.id && changed?.hashID == "c" && changed?.createdAt == 1,
            "the id stays, the hash does not")
        found.check(
            try await store.changeTemplate(
                .hash("b"), id: nil, to: version("d", of: maria), noting: Self.call(maria)) == nil,
            "an older version is not changed")
        found.check(
            try await store.template(.hash("b"), account: noor.id)?.sealed == Array("b".utf8),
            "but found")
        _ = try await store.changeTemplate(
            .id(open.id), id: nil, to: version("d", of: maria), noting: Self.call(maria))
        found.check(
            try await store.template(.hash("b"), account: noor.id) == nil,
            "what became private is nobody else's, in any version")
        found.check(
            try await store.template(.hash("b"), account: maria.id) != nil, "but its maker's")

        found.check(
            try await store.removeTemplate(
                .hash("d"), account: maria.id, noting: Self.call(maria)), "it is removed")
        found.check(
            try await store.template(.hash("b"), account: maria.id) == nil, "with all versions")
        let next = try await store.addTemplate(version("e", of: maria), noting: Self.call(maria))
        found.check(next.id > open.id, "no id is given twice")
        let calls = try await store.auditEntries(
            account: maria.id, key: nil, before: nil, limit: 99
        ).compactMap(\.entry).filter { $0.event == .apiCalled }
        found.check(calls.count == 6, "the audit log has what was done, and nothing else")
        return found.list
    }

    func templateBounds() async throws -> [String] {
        var found = Findings()
        let (maria, _) = try await account("maria", instances: 0)
        let first = try await store.addTemplate(version("v0", of: maria), noting: Self.call(maria))
        for number in 1...TemplateAccess.keptVersionCount {
            _ = try await store.changeTemplate(
                .id(first.id), id: nil, to: version("v\(number)", of: maria),
                noting: Self.call(maria))
        }
        found.check(
            try await store.template(.hash("v0"), account: maria.id) == nil, "the oldest went")
        found.check(
            try await store.template(.hash("v1"), account: maria.id) != nil, "the others stayed")
        var large = version("large", of: maria)
        large.sealed = Array(repeating: 1, count: TemplateAccess.maximumByteCount)
        do {
            _ = try await store.addTemplate(large, noting: Self.call(maria))
            found.check(false, "templates are bounded by size")
        } catch let error as ControlPlaneError {
            found.check(error.code == .invalidArguments, "the bound is told as one")
        }
        found.check(
            try await store.templates(account: maria.id).count == 1,
            "what is too much changes nothing")
        for number in 1..<TemplateAccess.maximumCount {
            _ = try await store.addTemplate(
                version("t\(number)", of: maria), noting: Self.call(maria))
        }
        do {
            _ = try await store.addTemplate(version("more", of: maria), noting: Self.call(maria))
            found.check(false, "templates are bounded by number")
        } catch let error as ControlPlaneError {
            found.check(error.code == .invalidArguments, "that bound is told as one, too")
        }
        return found.list
    }

    private func version(
        _ name: String, of account: Account, isPrivate: Bool = true, time: Double = 1
    ) -> TemplateVersion {
        TemplateVersion(
            accountID: account.id, hashID: name, isPrivate: isPrivate, sealed: Array(name.utf8),
            time: time)
    }
}
