// What a key sees of what is its account's.
//
// Of two keys, the one that opens less sees less: else a key could see more through one that it makes.
extension KeyScope {
    /// Whether lists have an instance for it.
    ///
    /// Lists have no id that could be constrained. So they have what the key may look at, or run commands on, by
    /// its id.
    package func lists(instance id: Instance.ID) -> Bool {
        lists(id, by: [.showInstance, .execute])
    }

    /// Whether lists have a key of the account for it: one that it may look at by its id.
    package func lists(key id: APIKey.ID) -> Bool { lists(id, by: [.showKey]) }

    /// Whether lists have a command for it: one that it may look at by its id, as far as that goes.
    package func lists(command id: Command.ID) -> Bool { lists(id, by: [.showCommand]) }

    /// Whether it sees no commands but those that it ordered itself.
    ///
    /// What a command has written tells what is in an instance. So a key that cannot look everywhere with
    /// commands of its own must not look there with those of others.
    package var seesOwnCommandsOnly: Bool {
        guard commands == nil, paths == nil else { return true }
        guard let constraints = constraints(on: [.showInstance, .execute]) else { return false }
        return !constraints.contains { $0.contains(IDConstraint()) }
    }

    private func lists(_ id: Int64, by routes: [AccountRoute]) -> Bool {
        guard let constraints = constraints(on: routes) else { return true }
        return constraints.contains { $0.range?.contains(id) == true }
    }

    /// For which ids any of the routes is open; nil for a key that opens everything.
    private func constraints(on routes: [AccountRoute]) -> [IDConstraint]? {
        permissions.map { permissions in
            routes.flatMap { permissions.constraints(on: $0, writes: writes) }
        }
    }
}

extension Principal {
    /// Whether there is such a command for it: to be shown, cancelled, followed or applied.
    func sees(_ command: Command) -> Bool {
        guard command.accountID == account.id else { return false }
        return command.keyID == keyID || !scope.seesOwnCommandsOnly
    }
}
