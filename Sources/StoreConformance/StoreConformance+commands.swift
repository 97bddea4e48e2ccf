internal import AgentLink
internal import CommandPolicy
internal import ControlPlane

// What holds for commands and their results.

extension StoreConformance {
    func states() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let command = try await world.add(store)
        found.check(try await store.command(command.id) == command, "what was added is there")
        let running = try await store.advance(command.id, to: .running, startedAt: 7)
        found.check(running?.moved == true, "queued may go on to running")
        found.check(running?.command.startedAt == 7, "the start is kept")
        let back = try await store.advance(command.id, to: .dispatched, startedAt: nil)
        found.check(back?.moved == false, "running does not go back")
        found.check(back?.command.state == .running, "and stays what it was")
        found.check(
            try await store.advance(command.id + 1000, to: .running, startedAt: nil) == nil,
            "an unknown command is nil")
        return found.list
    }

    func terminalStates() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        for state in CommandState.allCases where state.isTerminal {
            let command = try await world.add(store)
            let outcome = CommandOutcome(
                exitCode: 3, signal: 9, note: "n", stdoutBytes: 1, stderrBytes: 2, sha256: "ab",
                isComplete: false, runtime: 0.5)
            let ended = try await store.finish(
                command.id, from: nil, as: state, outcome: outcome, startedAt: 1, at: 2)
            found.check(ended?.moved == true, "\(state) is reached")
            let read = try await store.command(command.id)
            found.check(read?.outcome == outcome, "\(state): the outcome is kept")
            found.check(read?.finishedAt == 2, "\(state): the time is kept")
            for next in CommandState.allCases {
                let advanced = try await store.advance(command.id, to: next, startedAt: 9)
                found.check(advanced?.moved == false, "\(state) does not go on to \(next)")
                let again = try await store.finish(
                    command.id, from: nil, as: next, outcome: CommandOutcome(sha256: "cd"),
                    startedAt: nil,
                    at: 9)
                found.check(again?.moved == false, "\(state) does not end again as \(next)")
            }
            found.check(try await store.command(command.id) == read, "\(state) is unchanged")
        }
        return found.list
    }

    func openCommands() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let one = try await world.add(store, startBy: 10)
        let two = try await world.add(store, startBy: 20)
        found.check(
            try await store.openCommands(machine: world.machine.id).map(\.id) == [one.id, two.id],
            "open ones are listed, oldest first")
        found.check(
            try await store.overdueCommands(at: 15, after: nil, limit: 10).map(\.id) == [one.id],
            "overdue ones are found")
        _ = try await store.finish(
            one.id, from: nil, as: .expired, outcome: CommandOutcome(sha256: ""), startedAt: nil,
            at: 16)
        found.check(
            try await store.openCommands(machine: world.machine.id).map(\.id) == [two.id],
            "an ended one is not open")
        let account = world.account.id
        found.check(
            try await store.commands(account: account, key: nil, before: nil, limit: 10).map(\.id)
                == [two.id, one.id], "the list is newest first")
        found.check(
            try await store.commands(account: account, key: nil, before: two.id, limit: 10)
                .map(\.id) == [one.id], "and pages")
        let key = try await store.addKey(Secret().digest, name: "2", account: account, at: 1)
        let three = try await world.order(store, "ls", by: key.id).command
        let four = try await world.order(store, "ls", by: key.id).command
        found.check(
            try await store.commands(account: account, key: key.id, before: nil, limit: 10)
                .map(\.id) == [four.id, three.id], "a key's are those that it ordered")
        found.check(
            try await store.commands(account: account, key: world.key.id, before: four.id, limit: 1)
                .map(\.id) == [two.id], "and page past those of others")
        let other = try await store.ensureAccount(named: "noor")
        found.check(
            try await store.commands(account: other.id, key: key.id, before: nil, limit: 10)
                .isEmpty, "of another account there is nothing")
        return found.list
    }

    func resultExpiry() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let command = try await world.add(store)
        found.check(
            try await store.expiredResults(at: 1e12, limit: 10).isEmpty,
            "an open one does not expire")
        _ = try await store.finish(
            command.id, from: nil, as: .exited, outcome: CommandOutcome(sha256: ""), startedAt: nil,
            at: 1)
        found.check(
            try await store.expiredResults(at: 1e12, limit: 10) == [command.id], "an ended one does"
        )
        try await store.forgetResults([command.id])
        found.check(
            try await store.expiredResults(at: 1e12, limit: 10).isEmpty, "once")
        found.check(
            try await store.command(command.id)?.resultExpiresAt == 0, "and its URL is none then")
        return found.list
    }

    func cancellation() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let command = try await world.add(store)
        found.check(command.cancelRequestedAt == nil, "a command begins without a wish")
        let wished = try await store.requestCancellation(command.id, at: 5)
        found.check(wished?.cancelRequestedAt == 5, "a wish is kept")
        found.check(wished?.state == command.state, "and changes no state")
        _ = try await store.advance(command.id, to: .dispatched, startedAt: nil)
        let late = try await store.finish(
            command.id, from: .queued, as: .cancelled, outcome: CommandOutcome(sha256: ""),
            startedAt: nil, at: 5)
        found.check(
            late?.moved == false, "one that was sent meanwhile is not ended as a queued one")
        found.check(late?.command.state == .dispatched, "and the caller learns where it is")
        let again = try await store.requestCancellation(command.id, at: 9)
        found.check(again?.cancelRequestedAt == 5, "the first one stays")
        found.check(
            try await store.openCommands(machine: world.machine.id).first?.cancelRequestedAt == 5,
            "the machine's next link sees it")
        _ = try await store.finish(
            command.id, from: nil, as: .exited, outcome: CommandOutcome(sha256: ""), startedAt: nil,
            at: 6)
        let other = try await world.add(store)
        _ = try await store.finish(
            other.id, from: nil, as: .exited, outcome: CommandOutcome(sha256: ""), startedAt: nil,
            at: 6)
        let ended = try await store.requestCancellation(other.id, at: 7)
        found.check(ended?.cancelRequestedAt == nil, "an ended command takes none")
        found.check(
            try await store.requestCancellation(other.id + 1000, at: 7) == nil, "nor an unknown one"
        )
        return found.list
    }

    func collection() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        var ids: [Command.ID] = []
        for size in [100, 5000, 0, 4096] as [Int64] {
            let command = try await world.add(store)
            ids.append(command.id)
            _ = try await store.finish(
                command.id, from: nil, as: .exited,
                outcome: CommandOutcome(stdoutBytes: size, sha256: ""), startedAt: nil,
                at: Double(ids.count))
        }
        let open = try await world.add(store)
        // From the newest on, in blocks of 4,096 bytes: 2, 3, 5 and 6 of them.
        func beyond(_ blocks: Int64, limit: Int = 10) async throws -> [Command.ID] {
            try await store.resultsBeyond(byteCount: blocks * 4096, limit: limit)
        }
        found.check(try await beyond(6) == [], "what fits stays")
        found.check(try await beyond(5) == [ids[0]], "the oldest goes first")
        found.check(try await beyond(4) == Array(ids[...1]), "as many as must")
        found.check(try await beyond(0, limit: 2) == Array(ids[...1]), "at most so many at once")
        try await store.forgetResults([ids[0], ids[1]])
        found.check(try await beyond(3) == [], "what is gone takes nothing")

        found.check(
            try await store.deleteCommands(endedBefore: 1, limit: 10) == 0, "a record has its time")
        found.check(
            try await store.deleteCommands(endedBefore: 2, limit: 10) == 1, "and goes after it")
        found.check(try await store.command(ids[0]) == nil, "wholly")
        found.check(
            try await store.deleteCommands(endedBefore: 100, limit: 10) == 1,
            "but not before its result")
        found.check(try await store.command(open.id) != nil, "nor before its end")
        // An order that is sent again when its result is gone gets a secret of its own, which is no obstacle.
        let named = try await world.order(store, "ls", key: "again")
        _ = try await store.finish(
            named.command.id, from: nil, as: .exited, outcome: CommandOutcome(sha256: ""),
            startedAt: nil, at: 50)
        try await store.forgetResults([named.command.id])
        _ = try await world.order(store, "ls", key: "again")
        found.check(
            try await store.deleteCommands(endedBefore: 100, limit: 10) == 1,
            "whose URL was asked for again goes too")
        let next = try await world.add(store)
        found.check(next.id > open.id, "no id is given again")
        return found.list
    }

    func repetition() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let first = try await world.order(store, "rm a")
        let again = try await world.order(store, "rm a")
        found.check(
            first.isNew && !again.isNew, "an equal writer that is open is not accepted twice")
        found.check(again.command.id == first.command.id, "it is the same command")
        found.check(
            try await store.hasResultSecret(again.secret.digest, command: first.command.id),
            "which has the second secret too")
        found.check(
            try await !store.hasResultSecret(Secret().digest, command: first.command.id),
            "and no other")
        let other = try await world.order(store, "rm b")
        found.check(other.isNew, "another text is another command")
        found.check(
            try await store.recentCommands(after: -1, limit: 9)
                == [other.command.id, first.command.id], "the newest ones, newest first")
        found.check(
            try await store.recentCommands(after: -1, limit: 1) == [other.command.id],
            "as many as are wanted")
        found.check(
            try await store.recentCommands(after: 0, limit: 9).isEmpty, "of a time and later")
        found.check(try await world.order(store, "ls").isNew, "a reader is new")
        found.check(try await world.order(store, "ls").isNew, "every time")
        _ = try await store.finish(
            first.command.id, from: nil, as: .exited, outcome: CommandOutcome(sha256: ""),
            startedAt: nil,
            at: 1)
        let lost = try await world.order(store, "rm a", undelivered: [first.command.id])
        found.check(
            lost.command.id == first.command.id, "an ended one whose answer got lost is repeated")
        found.check(try await world.order(store, "rm a").isNew, "any other ended one is not")
        let named = try await world.order(store, "ls x", key: "k1")
        let namedAgain = try await world.order(store, "ls x", key: "k1")
        found.check(
            named.command.id == namedAgain.command.id, "the same idempotency key is the same")
        found.check(try await world.order(store, "ls x", key: "k2").isNew, "another key is not")
        do {
            _ = try await world.order(store, "ls y", key: "k1")
            found.check(false, "a key for another order is refused")
        } catch let error as ControlPlaneError {
            found.check(error.code == .idempotencyMismatch, "with its own code")
        }
        return found.list
    }

    func queueBounds() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        var bounds = QueueBounds()
        bounds.perAccount = 2
        for _ in 0..<2 { _ = try await world.order(store, "ls", bounds: bounds) }
        do {
            _ = try await world.order(store, "ls", bounds: bounds)
            found.check(false, "one too many is refused")
        } catch let error as ControlPlaneError {
            found.check(
                error.code == .queueFull && error.retryAfter != nil, "and told when to return")
        }
        let open = try await store.openCommands(machine: world.machine.id)
        found.check(open.count == 2, "nothing of it is kept")
        return found.list
    }
}
