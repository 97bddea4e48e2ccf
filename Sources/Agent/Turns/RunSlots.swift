/// How many tools run at once on this machine, shared out among accounts.
///
/// An account's commands take their turns first come, first served; a free slot goes to the accounts that
/// wait, one after the other. While there are two slots or more, one account never has the last one: so a
/// crowd of long commands of one does not keep the others out.
actor RunSlots {
    /// Whose turn it is; opaque here.
    typealias Account = Int64

    /// A place in an account's line.
    struct Place: Sendable {
        let account: Account
        let ticket: Ticket
    }

    private let share: Int
    private var free: Int
    /// Those that have a slot.
    private var holders: [Account: Set<UInt64>] = [:]
    private var lines: [Account: [(id: UInt64, admit: @Sendable () -> Void)]] = [:]
    /// The accounts that wait; the first is the next.
    private var rotation: [Account] = []
    private var lastID: UInt64 = 0

    /// - Parameters:
    ///   - count: How many there are.
    ///   - share: The most that one account has; nil for all but one.
    init(count: Int, share: Int? = nil) {
        free = count
        self.share = share ?? max(1, count - 1)
    }

    /// Takes the next place in the account's line, which must be given up by ``leave(_:)``.
    func enqueue(_ account: Account) -> Place {
        lastID += 1
        let (ticket, admit) = Ticket.make(id: lastID)
        if lines[account] == nil { rotation.append(account) }
        lines[account, default: []].append((lastID, admit))
        admitNext()
        return Place(account: account, ticket: ticket)
    }

    /// Gives a place up, whether it had a slot or not.
    func leave(_ place: Place) {
        let (account, id) = (place.account, place.ticket.id)
        if holders[account]?.remove(id) != nil {
            free += 1
            if holders[account]?.isEmpty == true { holders[account] = nil }
        } else {
            lines[account]?.removeAll { $0.id == id }
            if lines[account]?.isEmpty == true {
                lines[account] = nil
                rotation.removeAll { $0 == account }
            }
        }
        admitNext()
    }

    private func admitNext() {
        while free > 0,
            let index = rotation.firstIndex(where: { holders[$0, default: []].count < share })
        {
            let account = rotation.remove(at: index)
            guard let next = lines[account]?.first else { continue }
            lines[account]?.removeFirst()
            if lines[account]?.isEmpty == true {
                lines[account] = nil
            } else {
                rotation.append(account)
            }
            free -= 1
            holders[account, default: []].insert(next.id)
            next.admit()
        }
    }
}

extension RunSlots {
    /// Does `body` with a slot.
    ///
    /// - Parameters:
    ///   - account: Whose it is.
    ///   - turn: Waits for its turn, or throws when nobody wants that any more.
    ///   - body: What to do.
    /// - Returns: What that returned.
    /// - Throws: What it or the waiting throws.
    func withSlot<Result: Sendable>(
        _ account: Account, turn: @Sendable (Ticket) async throws -> Void = { try await $0.wait() },
        _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        let place = enqueue(account)
        do {
            try await turn(place.ticket)
            let result = try await body()
            leave(place)
            return result
        } catch {
            leave(place)
            throw error
        }
    }
}
