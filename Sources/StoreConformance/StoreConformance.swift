internal import AgentLink
internal import CommandPolicy
package import ControlPlane
internal import PolicyDocuments

/// What every store must do, as checks that any test framework can run: each returns what it found
/// wrong.
///
/// `SQLiteStoreTests` and, later, every other adapter's tests run them all.
package struct StoreConformance<
    Subject: Store
>:
    Sendable
{
    let store: Subject

    package init(_ store: Subject) {
        self.store = store
    }

    /// A check by its name.
    package struct Check: Sendable, CustomStringConvertible {
        package let name: String
        package let run: @Sendable (StoreConformance) async throws -> [String]
        package var description: String { name }
    }

    /// All checks; each wants a store of its own.
    package static var checks: [Check] {
        [
            Check(name: "accounts are made once") { try await $0.accountsAreMadeOnce() },
            Check(name: "keys stand for their account until revoked") { try await $0.keys() },
            Check(name: "a key keeps what it may do, and ends in its time") {
                try await $0.keyScopes()
            },
            Check(name: "who ordered a key, or its end, is kept") {
                try await $0.keyOrdersAreAudited()
            },
            Check(name: "what a key removes is counted by day") { try await $0.deletionUse() },
            Check(name: "join tokens are good once and not too late") { try await $0.joinTokens() },
            Check(name: "there is one local machine") { try await $0.localMachine() },
            Check(name: "instances follow reports, and ids are never reused") {
                try await $0.instances()
            },
            Check(name: "commands only move forward") { try await $0.states() },
            Check(name: "a terminal state never changes") { try await $0.terminalStates() },
            Check(name: "open and overdue commands are found") { try await $0.openCommands() },
            Check(name: "results expire once") { try await $0.resultExpiry() },
            Check(name: "a wish to cancel is kept") { try await $0.cancellation() },
            Check(name: "results go by size, records by age") { try await $0.collection() },
            Check(name: "an order that is sent again is the same command") {
                try await $0.repetition()
            },
            Check(name: "queues are bounded") { try await $0.queueBounds() },
            Check(name: "many writers at once lose nothing") { try await $0.manyWriters() },
        ] + auditChecks + scheduleChecks + accountChecks + machineChecks + wishChecks
            + creationChecks + housekeepingChecks
            + templateChecks
    }
}

extension StoreConformance {
    func accountsAreMadeOnce() async throws -> [String] {
        var found = Findings()
        found.check(try await store.firstAccount() == nil, "a new store has no account")
        let one = try await store.ensureAccount(named: "maria")
        let again = try await store.ensureAccount(named: "maria")
        let other = try await store.ensureAccount(named: "Maria")
        found.check(one == again, "the same name is the same account")
        found.check(one.id != other.id, "names differ by case")
        found.check(try await store.firstAccount() == one, "the first account is the oldest")
        found.check(try await store.account(named: "nobody") == nil, "an unknown name is nil")
        found.check(try await store.setBlocked(true, accountNamed: "maria"), "blocking finds it")
        found.check(
            try await store.account(named: "maria")?.isBlocked == true, "a blocked one says so")
        found.check(
            try await !store.setBlocked(true, accountNamed: "nobody"), "blocking nobody is false")
        found.check(
            try await store.accounts().map(\.name) == ["maria", "Maria"], "accounts are listed")
        return found.list
    }

    func keys() async throws -> [String] {
        var found = Findings()
        let account = try await store.ensureAccount(named: "maria")
        found.check(try await !store.hasKeys(account: account.id), "a new account has no key")
        let secret = Secret()
        let key = try await store.addKey(secret.digest, name: "k", account: account.id, at: 1)
        found.check(try await store.hasKeys(account: account.id), "then it has")
        let principal = try await store.principal(keyDigest: secret.digest, at: 1e12)
        found.check(
            principal == Principal(account: account, keyID: key.id), "a key stands for its account")
        found.check(
            try await store.principal(keyDigest: Secret().digest, at: 1) == nil,
            "another key is nobody")
        found.check(try await store.revokeKey(id: key.id, at: 2), "revoking finds it")
        found.check(
            try await store.principal(keyDigest: secret.digest, at: 2) == nil,
            "a revoked key is nobody")
        found.check(try await !store.revokeKey(id: key.id, at: 3), "revoking twice is false")
        return found.list
    }

    func joinTokens() async throws -> [String] {
        var found = Findings()
        let token = Secret().digest
        let machineToken = Secret().digest
        try await store.addJoinToken(token, expiresAt: 100)
        let late = try await store.join(
            tokenDigest: token, name: "m", machineTokenDigest: machineToken, at: 100)
        found.check(late == nil, "a token is of no use from its expiry on")
        let machine = try await store.join(
            tokenDigest: token, name: "m", machineTokenDigest: machineToken, at: 99)
        found.check(machine != nil, "a token is good before")
        let again = try await store.join(
            tokenDigest: token, name: "m", machineTokenDigest: Secret().digest, at: 99)
        found.check(again == nil, "a token is good once")
        found.check(
            try await store.machine(tokenDigest: machineToken) == machine,
            "its token is the machine's")
        found.check(
            try await store.machine(tokenDigest: token) == nil, "a join token is no machine's token"
        )
        return found.list
    }

    func localMachine() async throws -> [String] {
        var found = Findings()
        let one = try await store.ensureLocalMachine(name: "here", at: 1)
        let again = try await store.ensureLocalMachine(name: "renamed", at: 2)
        found.check(one == again, "there is one local machine")
        return found.list
    }

    func instances() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        try await store.upsert(.sample("c1"), machine: world.machine.id, owner: world.account.id)
        try await store.upsert(.sample("c2"), machine: world.machine.id, owner: world.account.id)
        let first = try await store.instances(account: world.account.id)
        found.check(first.map(\.containerID) == ["c1", "c2"], "reports become instances, by id")
        var stopped = InstanceReport.sample("c1")
        stopped.status = "exited"
        try await store.upsert(stopped, machine: world.machine.id, owner: world.account.id)
        let changed = try await store.instance(first[0].id)
        found.check(changed?.status == .exited, "a second report changes the same instance")
        found.check(
            try await store.instance(first[0].id, account: world.account.id)?.id == first[0].id,
            "its account finds it")
        found.check(
            try await store.instance(first[0].id, account: world.account.id + 1) == nil,
            "and no other does")
        try await store.remove(containerID: "c2", machine: world.machine.id, at: 5)
        found.check(try await store.instance(first[1].id) == nil, "a removed one is gone")
        let account = world.account.id
        found.check(
            try await store.isRemoved(first[1].id, account: account), "and known to have been")
        found.check(
            try await !store.isRemoved(first[0].id, account: account), "one that is there is not")
        found.check(
            try await !store.isRemoved(first[1].id, account: account + 1), "nor is another's")
        try await store.upsert(.sample("c2"), machine: world.machine.id, owner: world.account.id)
        let back = try await store.instances(account: world.account.id)
        found.check(back.last.map { $0.id > first[1].id } == true, "its id is not given again")
        try await store.replaceAll(
            machine: world.machine.id, with: [(.sample("c3"), world.account.id)], at: 6)
        let replaced = try await store.instances(account: world.account.id)
        found.check(replaced.map(\.containerID) == ["c3"], "an inventory is all there is")
        let stranger = try await store.ensureAccount(named: "stranger")
        found.check(try await store.instances(account: stranger.id).isEmpty, "others see nothing")
        return found.list
    }

    func manyWriters() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let count = 300
        let ids = try await withThrowingTaskGroup(of: Command.ID.self) { group in
            for _ in 0..<count { group.addTask { try await world.add(store).id } }
            return try await group.reduce(into: Set<Command.ID>()) { $0.insert($1) }
        }
        found.check(ids.count == count, "each writer has its own id")
        let open = try await store.openCommands(machine: world.machine.id)
        found.check(Set(open.map(\.id)) == ids, "and all of them are there")
        return found.list
    }
}

/// What checks found wrong.
struct Findings {
    private(set) var list: [String] = []

    mutating func check(_ isRight: Bool, _ rule: String) {
        if !isRight { list.append("broken: \(rule)") }
    }
}

/// An account, a machine and an instance to write commands for.
struct World: Sendable {
    let account: Account
    let machine: Machine
    let instance: Instance
    let key: APIKey

    init(_ store: some Store, name: String = "maria") async throws {
        account = try await store.ensureAccount(named: name)
        key = try await store.addKey(Secret().digest, name: "k", account: account.id, at: 1)
        machine = try await store.ensureLocalMachine(name: "here", at: 1)
        try await store.upsert(.sample("c0"), machine: machine.id, owner: account.id)
        guard let instance = try await store.instances(account: account.id).first else {
            throw MissingInstance()
        }
        self.instance = instance
        try await store.remove(containerID: "c0", machine: machine.id, at: 1)
    }

    struct MissingInstance: Error {}

    func add(_ store: some CommandStore, startBy: Double = 60) async throws -> Command {
        try await order(store, "ls", startBy: startBy).command
    }

    struct Order {
        var command: Command
        var isNew: Bool
        var secret: Secret
    }

    func order(
        _ store: some CommandStore, _ text: String, key: String? = nil, by keyID: APIKey.ID? = nil,
        undelivered: [Command.ID] = [], startBy: Double = 60, askedTimeout: Int? = nil,
        bounds: QueueBounds = QueueBounds()
    ) async throws -> Order {
        let secret = Secret()
        var new = NewCommand(
            accountID: account.id, keyID: keyID ?? self.key.id, instance: instance, text: text,
            decision: Policy.vast.decide(text), timeoutSeconds: 60, createdAt: 0,
            startBy: startBy, resultDigest: secret.digest, resultExpiresAt: 1000,
            idempotencyKey: key, undelivered: undelivered, state: .queued)
        new.askedTimeoutSeconds = askedTimeout
        let added = try await store.add(new, bounds: bounds)
        return Order(command: added.command, isNew: added.isNew, secret: secret)
    }
}

extension InstanceReport {
    static func sample(_ id: String) -> InstanceReport {
        InstanceReport(
            containerID: id, name: id, image: "debian", status: "running", owner: "", label: nil,
            createdAt: 1, startedAt: 2, environment: [["A", "b"]], statusMessage: nil)
    }
}
