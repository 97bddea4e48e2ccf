package import AgentLink

// The ports through which the domain keeps its state. One adapter implements them all
// (`SQLiteStore`), and `StoreConformance` holds every adapter to these comments. A call that returned
// is durable: it survives the loss of power.

/// Accounts and their keys.
package protocol AccountStore: Sendable {
    /// The account of that name, made if it was not there.
    func ensureAccount(named name: String) async throws -> Account
    /// The account of that name, or nil.
    func account(named name: String) async throws -> Account?
    /// The account that was made first, or nil when there is none.
    func firstAccount() async throws -> Account?
    /// Blocks or unblocks; returns whether there is such an account.
    func setBlocked(_ isBlocked: Bool, accountNamed name: String) async throws -> Bool
    /// All accounts, by ascending id.
    func accounts() async throws -> [Account]
    /// Keeps a key's digest, and what it may do.
    ///
    /// - Parameters:
    ///   - digest: Of the key.
    ///   - name: What it is for.
    ///   - account: Whose it is.
    ///   - scope: What it may do.
    ///   - expiresAt: From when on it is useless, in Unix seconds; nil for never.
    ///   - maker: The key that ordered it, for the audit log; nil for the operator.
    ///   - time: Now.
    /// - Returns: The key.
    /// - Throws: What the store throws.
    func addKey(
        _ digest: SecretDigest, name: String, account: Account.ID, scope: KeyScope,
        expiresAt: Double?, orderedBy maker: APIKey.ID?, at time: Double
    ) async throws -> APIKey
    /// The account's keys that are not revoked, expired ones too, by ascending id.
    func keys(account: Account.ID) async throws -> [APIKey]
    /// Makes a key useless, and notes in the audit log which key ordered that, nil for the operator.
    ///
    /// - Parameters:
    ///   - id: The key.
    ///   - revoker: Which key ordered it.
    ///   - time: When.
    ///   - check: Gets the account's other keys that are not revoked, by ascending id, in the same transaction; what it
    ///     throws keeps the key.
    /// - Returns: Whether there was one.
    /// - Throws: What `check` throws, or the store's own error.
    func revokeKey(
        id: APIKey.ID, orderedBy revoker: APIKey.ID?, at time: Double,
        checking check: @escaping @Sendable (_ others: [APIKey]) throws -> Void
    ) async throws -> Bool
    /// Gives a key another secret in the place of the one that it has; nothing else of it changes.
    ///
    /// From then on the old secret is unknown. The audit log gets its entry in the same transaction.
    ///
    /// - Parameters:
    ///   - id: Which key.
    ///   - old: Its secret's digest; of two who reset a key at once, one is too late.
    ///   - new: The new one's.
    ///   - address: From where that was ordered.
    ///   - time: Now.
    /// - Returns: Whether there was such a key with that secret.
    /// - Throws: What the store throws.
    func resetKey(
        id: APIKey.ID, from old: SecretDigest, to new: SecretDigest, address: String?,
        at time: Double
    ) async throws -> Bool
    /// Whether the account has ever had a key.
    func hasKeys(account: Account.ID) async throws -> Bool
    /// Whom a key stands for at `time`; nil when it is unknown, revoked or expired.
    func principal(keyDigest: SecretDigest, at time: Double) async throws -> Principal?
    /// Whom a key stands for at `time`, by its id; nil when there is none, or it is revoked or expired.
    func principal(key: APIKey.ID, at time: Double) async throws -> Principal?
    /// What a key's commands have removed on that day (see ``DeletionBudget/day(of:)``).
    func deletionUse(key: APIKey.ID, day: Int) async throws -> (entries: Int64, bytes: Int64)
    /// Adds to what a key's commands have removed on that day.
    func addDeletionUse(key: APIKey.ID, day: Int, entries: Int64, bytes: Int64) async throws
}

extension AccountStore {
    /// Keeps the digest of a key that the operator makes.
    ///
    /// - Parameters:
    ///   - digest: Of the key.
    ///   - name: What it is for.
    ///   - account: Whose it is.
    ///   - scope: What it may do; everything unless given.
    ///   - expiresAt: From when on it is useless, in Unix seconds; never unless given.
    ///   - time: Now.
    /// - Returns: The key.
    /// - Throws: What the store throws.
    package func addKey(
        _ digest: SecretDigest, name: String, account: Account.ID, scope: KeyScope = .everything,
        expiresAt: Double? = nil, at time: Double
    ) async throws -> APIKey {
        try await addKey(
            digest, name: name, account: account, scope: scope, expiresAt: expiresAt,
            orderedBy: nil, at: time)
    }

    /// Makes a key useless, whichever others there are; returns whether there was one.
    package func revokeKey(
        id: APIKey.ID, orderedBy revoker: APIKey.ID?, at time: Double
    ) async throws -> Bool {
        try await revokeKey(id: id, orderedBy: revoker, at: time) { _ in }
    }

    /// Makes a key useless on the operator's order; returns whether there was one.
    package func revokeKey(id: APIKey.ID, at time: Double) async throws -> Bool {
        try await revokeKey(id: id, orderedBy: nil, at: time)
    }
}

/// Machines and their tokens.
package protocol MachineStore: Sendable {
    /// Keeps the digest of a join token that is good for one use until `expiresAt` (Unix seconds).
    func addJoinToken(_ digest: SecretDigest, expiresAt: Double) async throws
    /// Uses the join token up and makes a machine; nil when the token is unknown, used or too old.
    func join(
        tokenDigest: SecretDigest, name: String, machineTokenDigest: SecretDigest, at time: Double
    ) async throws -> Machine?
    /// The machine on which this server itself runs, made on its first start.
    func ensureLocalMachine(name: String, at time: Double) async throws -> Machine
    /// Whom a machine token stands for; nil when it is unknown or revoked.
    func machine(tokenDigest: SecretDigest) async throws -> Machine?
    /// All machines, revoked ones too, by ascending id.
    func machines() async throws -> [Machine]
    /// Makes a machine's token useless for ever; returns whether it was of use. The server's own machine has
    /// none.
    func revokeMachine(_ id: Machine.ID, at time: Double) async throws -> Bool
    /// Those whose token was made useless.
    func revokedMachines() async throws -> Set<Machine.ID>
    /// Keeps what a machine has, and makes its offers. When it has been started anew since its last report, its
    /// instances that are to run are wished so once more; returns whether that is so.
    @discardableResult
    func keep(_ report: MachineReport, machine: Machine.ID, at time: Double) async throws -> Bool
    /// What these machines last said of themselves; those that said nothing are not there.
    func reports(of machines: Set<Machine.ID>) async throws -> [Machine.ID: MachineReport]
    /// Every machine, with its last report.
    func machineRecords() async throws -> [MachineRecord]
    /// The offers of every machine that has reported, by ascending id.
    func offers() async throws -> [Offer]
    /// One offer, or nil.
    func offer(_ id: Offer.ID) async throws -> Offer?
}

/// Instances, as the machines report them.
package protocol InstanceStore: Sendable {
    /// The instance, or nil when there is none or its container is gone.
    func instance(_ id: Instance.ID) async throws -> Instance?
    /// The instance if it is that account's, or nil; for another account's as for none.
    func instance(_ id: Instance.ID, account: Account.ID) async throws -> Instance?
    /// Whether the account had an instance of that id whose container is gone.
    func isRemoved(_ id: Instance.ID, account: Account.ID) async throws -> Bool
    /// The account's instances by ascending id.
    func instances(account: Account.ID) async throws -> [Instance]
    /// Keeps what a machine said of one container; a container seen first gets a new id, unless it was made
    /// for an instance that waits for it. Of a machine that was revoked nothing is kept, here and below; and
    /// a machine has no more than ``InstanceReport/maximumCount`` of them at a time.
    @discardableResult
    func upsert(_ report: InstanceReport, machine: Machine.ID, owner: Account.ID) async throws
        -> ReportOutcome
    /// The container is gone; its id stays spent, unless a wish is open for another container. Returns the instance that
    /// is gone with it, if Boathook made it.
    @discardableResult
    func remove(containerID: String, machine: Machine.ID, at time: Double) async throws
        -> Instance?
    /// All containers of the machine are these; others are gone. Returns what there is to be done about each.
    @discardableResult
    func replaceAll(
        machine: Machine.ID, with reports: [(report: InstanceReport, owner: Account.ID)],
        at time: Double
    ) async throws -> [ReportOutcome]
    /// The machine will say nothing more: its instances are gone, whatever is wished of them.
    func forgetInstances(machine: Machine.ID, at time: Double) async throws
    /// Makes an instance on an offer: its row, its own key, and its first wish, in one transaction with the look
    /// at what is left of the machine.
    ///
    /// The audit log gets the call that made it in that transaction, with its id; of this and the three that follow, a
    /// call that changed nothing is not noted.
    ///
    /// An order that comes again makes nothing: see ``instanceMade(by:noting:)``.
    ///
    /// - Throws: ``ControlPlaneError``: `offer_not_found`, `no_room`, `idempotency_mismatch`.
    func create(_ new: NewInstance, noting call: AuditEntry) async throws -> (
        wish: StoredWish, isNew: Bool
    )
    /// The instance that this same order made, and the call is noted as `repeated`; nil when it did not come before.
    ///
    /// The same order is one of the same key with the same idempotency key and part, if that is younger than a day, even when
    /// the instance is gone; and without an idempotency key an equal one of the last ten seconds whose instance is there
    /// and wanted, whose maker was never told (``noteAnswered(_:)``) and is not being told.
    ///
    /// - Throws: ``ControlPlaneError`` `idempotency_mismatch` when the idempotency key stands for another order.
    func instanceMade(by order: RepeatableOrder, noting call: AuditEntry) async throws
        -> StoredWish?
    /// Notes that those who made these instances know of them.
    func noteAnswered(_ ids: [Instance.ID]) async throws
    /// Writes down how the account wants its instance.
    func wish(
        _ state: InstanceOrder.State, for id: Instance.ID, account: Account.ID,
        noting call: AuditEntry
    ) async throws -> WishOutcome
    /// Writes down that the instance is to have a new container, from what the last one was made from but for what
    /// `change` says in the same transaction. Nil when there is no such instance of the account, or Boathook did not
    /// make it; nothing is written then, nor when `change` throws.
    func renew(
        _ id: Instance.ID, account: Account.ID, noting call: AuditEntry,
        by change: @escaping @Sendable (StoredWish) throws -> InstanceRenewal
    ) async throws -> StoredWish?
    /// Calls an instance something; returns whether the account has it.
    func setLabel(
        _ label: String?, of id: Instance.ID, account: Account.ID, noting call: AuditEntry
    ) async throws -> Bool
    /// How far the end of an instance is; nil when the account never had it.
    func destruction(of id: Instance.ID, account: Account.ID) async throws -> Destruction?
    /// The instance and what it is made from, whatever is wished; nil when its container is gone for good.
    func wish(for id: Instance.ID) async throws -> StoredWish?
    /// What the machine has not carried out yet, and of the instances that it made what it has.
    func wishes(machine: Machine.ID) async throws -> [StoredWish]
    /// Keeps how far the machine is with a wish; one that is not the last is passed over.
    func progress(_ progress: InstanceProgress, machine: Machine.ID, at time: Double) async throws
}

/// Commands.
///
/// The state machine is ``CommandState``; every change goes through ``CommandState/allows(_:)`` in
/// the same transaction that writes it.
package protocol CommandStore: Sendable {
    /// Keeps a new command and gives it its id, unless it repeats one that is there; in one transaction.
    ///
    /// It repeats the key's command of the same idempotency key, if that is younger than a day. One without that which
    /// changes something repeats an equal one – same key, instance and words – that has not ended,
    /// or is named in ``NewCommand/undelivered``. The repeated command then gets the new result secret
    /// beside its own. How much was ever ordered costs no time here.
    ///
    /// Of a key with a deletion budget, what is left of the day's becomes the command's bounds, and only one
    /// command that removes is open at a time. The audit log gets its entry in the same transaction.
    ///
    /// - Throws: ``ControlPlaneError``: `idempotency_mismatch` when the idempotency key stands for another
    ///   order, `queue_full` when the account or the machine has as many open commands as `bounds` allow, or
    ///   a budgeted key one that removes; `budget_spent` when nothing is left of its budget.
    func add(_ command: NewCommand, bounds: QueueBounds) async throws -> (
        command: Command, isNew: Bool
    )
    /// The command that the same key's order of the same idempotency key became, if that is younger than a day; as with
    /// ``add(_:bounds:)``, it gets the new result secret, and the audit log the entry, with its id. Nil when there is none.
    ///
    /// - Parameters:
    ///   - order: The order, as it came again.
    ///   - resultDigest: Of the new secret.
    ///   - entry: What is noted.
    /// - Returns: The command, as it now is.
    /// - Throws: ``ControlPlaneError`` `idempotency_mismatch` when the idempotency key stands for another order: another
    ///   instance, other words, another timeout.
    func repeated(_ order: NamedOrder, resultDigest: SecretDigest, noting entry: AuditEntry)
        async throws -> Command?
    /// Whether the digest is that of one of the command's further result secrets.
    func hasResultSecret(_ digest: SecretDigest, command: Command.ID) async throws -> Bool
    /// The command, or nil.
    func command(_ id: Command.ID) async throws -> Command?
    /// The command if it is that account's, or nil.
    func command(_ id: Command.ID, account: Account.ID) async throws -> Command?
    /// The account's newest commands, newest first; below `before`, and those that `key` ordered alone, when
    /// given.
    func commands(account: Account.ID, key: APIKey.ID?, before: Command.ID?, limit: Int)
        async throws -> [Command]
    /// Ids of the newest commands that were accepted after `time`, at most so many.
    func recentCommands(after time: Double, limit: Int) async throws -> [Command.ID]
    /// The machine's commands that have not ended, oldest first.
    func openCommands(machine: Machine.ID) async throws -> [Command]
    /// Commands of any machine that were not given to it yet and have to start before `time`, in that order; at most
    /// `limit`, behind `place` if it is given. Others, however many, cost no time.
    func queuedCommands(startBefore time: Double, after place: StartPlace?, limit: Int) async throws
        -> [Command]
    /// Commands of any machine that have not ended and had to start before `time`; as
    /// ``queuedCommands(startBefore:after:limit:)``.
    func overdueCommands(at time: Double, after place: StartPlace?, limit: Int) async throws
        -> [Command]
    /// Moves a command on if its state allows it; returns the command as it then is, and whether this
    /// call moved it. Nil when there is no such command.
    func advance(_ id: Command.ID, to state: CommandState, startedAt: Double?) async throws
        -> (command: Command, moved: Bool)?
    /// Ends a command if it has not ended, and, when `from` is given, only from that state; as
    /// ``advance(_:to:startedAt:)``. What it removed is added to its key's use of that day; where that is not
    /// known, all that it might have removed is. Its result is kept as long from `time` on as it was to be from its
    /// acceptance on.
    func finish(
        _ id: Command.ID, from: CommandState?, as state: CommandState, outcome: CommandOutcome,
        startedAt: Double?,
        at time: Double
    ) async throws -> (command: Command, moved: Bool)?
    /// Keeps the wish that an open command end; returns the command as it then is, or nil when there is none.
    func requestCancellation(_ id: Command.ID, at time: Double) async throws -> Command?
    /// Ids of commands whose results ran out at `time`, oldest first.
    func expiredResults(at time: Double, limit: Int) async throws -> [Command.ID]
    /// Ids of the results that run out first and must go, so that those that stay take at most `byteCount` bytes of
    /// the disk, each in whole blocks of 4,096; in that order. Those that stay cost no time.
    func resultsBeyond(byteCount: Int64, limit: Int) async throws -> [Command.ID]
    /// Those of these commands whose results are not gone; of one that has not ended, it is still to come.
    func commandsWithResults(among ids: [Command.ID]) async throws -> Set<Command.ID>
    /// Notes that the bytes of these results are gone.
    func forgetResults(_ ids: [Command.ID]) async throws
    /// Removes commands that ended before `time` and whose results are gone, at most `limit`; returns how
    /// many. Their ids stay spent.
    func deleteCommands(endedBefore time: Double, limit: Int) async throws -> Int
}

/// What the operator has switched off.
package protocol SwitchStore: Sendable {
    /// Everything that is off, in no particular order.
    func offSwitches() async throws -> [OffSwitch]
    /// Switches something off, or gives another reason for it.
    func switchOff(_ off: OffSwitch) async throws
    /// Switches something on again; returns whether it was off.
    func switchOn(_ target: OffSwitch.Target, at time: Double) async throws -> Bool
}

/// How many commands may be open at a time.
package struct QueueBounds: Sendable, Hashable {
    /// Of one account.
    package var perAccount = 1000
    /// For one machine.
    package var perMachine = 4000

    package init() {}
}

/// All of them, as one adapter.
package typealias Store = AccountStore & MachineStore & InstanceStore & CommandStore & AuditLog
    & SwitchStore & SSHKeyStore & EnvironmentStore & AddressStore & AccountAuditStore
    & ScheduleStore & TemplateStore
