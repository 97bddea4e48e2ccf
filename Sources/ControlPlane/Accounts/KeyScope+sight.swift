// What a key sees of what is its account's.
extension KeyScope {
    /// Whether lists have an instance for it.
    ///
    /// Lists have no id that could be constrained. So they have what the key may look at, or run commands on, by
    /// its id; and all of it for a key to which neither was given.
    package func lists(instance id: Instance.ID) -> Bool {
        lists(id, by: [.showInstance, .execute])
    }

    /// The same for a key of the account.
    func lists(key id: APIKey.ID) -> Bool { lists(id, by: [.showKey]) }

    /// The same for a command.
    func lists(command id: Command.ID) -> Bool { lists(id, by: [.showCommand]) }

    /// Whether it sees no commands but those that it ordered itself.
    ///
    /// What a command has written tells what is in an instance. So a key that cannot look everywhere with
    /// commands of its own must not look there with those of others.
    package var seesOwnCommandsOnly: Bool {
        guard commands == nil, paths == nil else { return true }
        let constraints = constraints(on: [.showInstance, .execute])
        return !constraints.isEmpty && !constraints.contains { $0.bounds.isEmpty }
    }

    private func lists(_ id: Int64, by routes: [AccountRoute]) -> Bool {
        let constraints = constraints(on: routes)
        return constraints.isEmpty || constraints.contains { $0.range?.contains(id) == true }
    }

    private func constraints(on routes: [AccountRoute]) -> [IDConstraint] {
        guard let permissions else { return [] }
        return routes.flatMap { permissions.constraints(on: $0, writes: writes) }
    }
}

extension Principal {
    /// Whether there is such a command for it: to be shown, cancelled, followed or applied.
    func sees(_ command: Command) -> Bool {
        guard command.accountID == account.id else { return false }
        return command.keyID == keyID || !scope.seesOwnCommandsOnly
    }
}
