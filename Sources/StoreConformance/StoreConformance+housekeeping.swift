internal import AgentLink
internal import CommandPolicy
internal import ControlPlane

// What is looked for again and again, and what is kept for how long.

extension StoreConformance {
    static var housekeepingChecks: [Check] {
        [
            Check(name: "commands are looked for page by page") { try await $0.commandPages() },
            Check(name: "a result lives from its command's end on") { try await $0.resultLives() },
            Check(name: "results that run out first go first") { try await $0.resultOrder() },
            Check(name: "what has a result is known") { try await $0.resultKnowledge() },
            Check(name: "a named order is found again, whatever became of its instance") {
                try await $0.namedOrders()
            },
        ]
    }

    private func commandPages() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        // Two of them at the same moment: a page may end between them.
        var ids: [Command.ID] = []
        for startBy in [30, 10, 20, 20, 40] as [Double] {
            ids.append(try await world.add(store, startBy: startBy).id)
        }
        let sent = try await world.add(store, startBy: 5)
        _ = try await store.advance(sent.id, to: .dispatched, startedAt: nil)
        let ended = try await world.add(store, startBy: 6)
        _ = try await store.finish(
            ended.id, from: nil, as: .expired, outcome: CommandOutcome(sha256: ""), startedAt: nil,
            at: 7)
        let inOrder = [ids[1], ids[2], ids[3], ids[0]]

        func pages(_ fetch: (StartPlace?) async throws -> [Command]) async throws -> [[Command.ID]]
        {
            var (pages, place): ([[Command.ID]], StartPlace?) = ([], nil)
            while pages.count < 10 {
                let page = try await fetch(place)
                guard let last = page.last else { break }
                pages.append(page.map(\.id))
                place = StartPlace(last)
            }
            return pages
        }
        for limit in [1, 2, 3, 10] {
            let queued = try await pages {
                try await store.queuedCommands(startBefore: 40, after: $0, limit: limit)
            }
            found.check(queued.flatMap { $0 } == inOrder, "queued ones, in order, by \(limit)")
            found.check(queued.first?.count == min(limit, 4), "a page has at most \(limit)")
            let overdue = try await pages {
                try await store.overdueCommands(at: 40, after: $0, limit: limit)
            }
            found.check(
                overdue.flatMap { $0 } == [sent.id] + inOrder, "overdue ones, in order, by \(limit)"
            )
        }
        let all = try await store.queuedCommands(startBefore: .infinity, after: nil, limit: 10)
        found.check(all.map(\.id) == inOrder + [ids[4]], "all that are queued")
        return found.list
    }

    private func resultLives() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        // To be kept for 1,000 s; accepted at 0.
        let command = try await world.add(store)
        let ended = try await store.finish(
            command.id, from: nil, as: .exited, outcome: CommandOutcome(sha256: ""), startedAt: nil,
            at: 5000)
        found.check(ended?.command.resultExpiresAt == 6000, "its whole time begins at the end")
        found.check(
            try await store.command(command.id)?.resultExpiresAt == 6000, "which is written down")
        found.check(
            try await store.expiredResults(at: 5999, limit: 10) == [], "it is there for that time")
        found.check(
            try await store.expiredResults(at: 6001, limit: 10) == [command.id], "and not longer")
        let early = try await world.add(store)
        _ = try await store.finish(
            early.id, from: nil, as: .exited, outcome: CommandOutcome(sha256: ""), startedAt: nil,
            at: -50)
        found.check(
            try await store.command(early.id)?.resultExpiresAt == 1000,
            "a clock that was set back takes nothing of it")
        return found.list
    }

    private func resultOrder() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        var ids: [Command.ID] = []
        for _ in 0..<3 { ids.append(try await world.add(store).id) }
        // The first one ends last.
        for (id, time) in zip(ids, [30, 10, 20] as [Double]) {
            _ = try await store.finish(
                id, from: nil, as: .exited, outcome: CommandOutcome(stdoutBytes: 1, sha256: ""),
                startedAt: nil, at: time)
        }
        found.check(
            try await store.resultsBeyond(byteCount: 0, limit: 10) == [ids[1], ids[2], ids[0]],
            "in the order of their ends")
        found.check(
            try await store.resultsBeyond(byteCount: 2 * 4096 - 1, limit: 10) == [ids[1], ids[2]],
            "no more than must")
        try await store.forgetResults([ids[1]])
        // A second time changes nothing: it takes no more of the disk than nothing.
        try await store.forgetResults([ids[1]])
        found.check(
            try await store.resultsBeyond(byteCount: 2 * 4096, limit: 10) == [], "then these fit")
        found.check(
            try await store.resultsBeyond(byteCount: 2 * 4096 - 1, limit: 10) == [ids[2]],
            "to the byte")
        return found.list
    }

    private func resultKnowledge() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        var ids: [Command.ID] = []
        for _ in 0..<3 { ids.append(try await world.add(store).id) }
        for id in ids.dropFirst() {
            _ = try await store.finish(
                id, from: nil, as: .exited, outcome: CommandOutcome(sha256: ""), startedAt: nil,
                at: 1)
        }
        try await store.forgetResults([ids[2]])
        found.check(
            try await store.commandsWithResults(among: ids + [ids[2] + 1000]) == Set(ids[...1]),
            "of an open command it may come, of an ended one it is there until it is forgotten")
        found.check(try await store.commandsWithResults(among: []).isEmpty, "of none there is none")
        return found.list
    }

    private func namedOrders() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let first = try await world.order(store, "rm x", key: "k", askedTimeout: 5).command
        let order = NamedOrder(
            keyID: world.key.id, idempotencyKey: "k", instanceID: world.instance.id,
            argv: ["rm", "x"], askedTimeout: 5, at: 86_399)
        func repeated(_ order: NamedOrder, _ secret: Secret = Secret()) async throws -> Command? {
            try await store.repeated(
                order, resultDigest: secret.digest,
                noting: AuditEntry(
                    time: 1, event: .commandRepeated, accountID: world.account.id,
                    keyID: order.keyID))
        }
        let secret = Secret()
        found.check(try await repeated(order, secret)?.id == first.id, "it is the same command")
        found.check(
            try await store.hasResultSecret(secret.digest, command: first.id),
            "which has the second secret too")
        let noted = try await store.auditEntries(after: 0, limit: 100).compactMap(\.entry)
            .filter { $0.event == .commandRepeated }
        found.check(noted.map(\.commandID) == [first.id], "the audit log has it, with its id")

        var other = order
        other.idempotencyKey = "l"
        found.check(try await repeated(other) == nil, "another name is another order")
        other = order
        other.keyID = try await store.addKey(
            Secret().digest, name: "2", account: world.account.id, at: 1
        ).id
        found.check(try await repeated(other) == nil, "another key's name is its own")
        other = order
        other.at = 86_400
        found.check(try await repeated(other) == nil, "a name is good for a day")
        for change: (inout NamedOrder) -> Void in [
            { $0.instanceID += 1 }, { $0.argv = ["rm", "y"] }, { $0.variant = "preview" },
            { $0.askedTimeout = 6 }, { $0.askedTimeout = nil },
        ] {
            other = order
            change(&other)
            do {
                _ = try await repeated(other)
                found.check(false, "a name that stands for another order is refused")
            } catch let error as ControlPlaneError {
                found.check(error.code == .idempotencyMismatch, "with its own code")
            }
        }
        let accent = try await world.order(store, "ls \u{e9}", key: "accent").command
        do {
            // Canonically equal, and another file.
            other.idempotencyKey = "accent"
            other.argv = ["ls", "e\u{301}"]
            other.askedTimeout = nil
            found.check(
                try await repeated(other)?.id != accent.id,
                "a name is told from one that looks alike")
        } catch let error as ControlPlaneError {
            found.check(error.code == .idempotencyMismatch, "with that code, too")
        }
        do {
            _ = try await world.order(store, "rm x", key: "k", askedTimeout: 6)
            found.check(false, "also where it is added")
        } catch let error as ControlPlaneError {
            found.check(error.code == .idempotencyMismatch, "with that code")
        }
        let after = try await store.auditEntries(after: 0, limit: 100).compactMap(\.entry)
            .filter { $0.event == .commandRepeated }
        found.check(after == noted, "nothing of all that is noted")
        return found.list
    }
}
