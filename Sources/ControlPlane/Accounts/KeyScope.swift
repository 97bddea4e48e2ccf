package import CommandPolicy

/// What a key may do; nil fields do not narrow.
package struct KeyScope: Sendable, Hashable {
    /// Which routes it opens; nil for every route.
    package var permissions: KeyPermissions?
    /// Names of policies (`vast`) or rules (`vast/ls`) whose commands it may run.
    package var commands: [String]?
    /// Absolute paths, normalised, below which its commands must stay.
    package var paths: [String]?
    /// Whether its commands may change something.
    package var writes: Bool
    /// How much its commands may remove in one UTC day.
    package var deletionBudget: DeletionBudget?

    package init(
        permissions: KeyPermissions? = nil, commands: [String]? = nil, paths: [String]? = nil,
        writes: Bool = true, deletionBudget: DeletionBudget? = nil
    ) {
        self.permissions = permissions
        self.commands = commands
        self.paths = paths
        self.writes = writes
        self.deletionBudget = deletionBudget
    }

    /// What keys may do that were made without a word about it.
    package static let everything = KeyScope()

    /// What a key for an AI agent may do: look at instances, and run commands that only read.
    package static let agent = KeyScope(permissions: KeyPermissions(.instanceRead), writes: false)

    /// The part of it that policies decide.
    package var commandScope: CommandScope {
        CommandScope(commands: commands, paths: paths, writes: writes)
    }
}

// Routes.
extension KeyScope {
    /// What a key gets of a route.
    package enum Answer: Sendable, Hashable {
        case open
        /// Open, but not for this id: as if nothing had it.
        case absent
        /// Closed; why, for the person who asked.
        case closed(String)
    }

    /// What keeps its commands from doing everything in an instance; whoever may end or replace the instance would
    /// get round that.
    var bound: String? {
        if !writes { return "only reads" }
        if commands != nil { return "is bound to commands" }
        if paths != nil { return "is bound to paths" }
        return deletionBudget == nil ? nil : "has a deletion budget"
    }

    /// Whether it may start or stop an instance of that id; destroy it.
    package func mayUpdate(_ id: Int64) -> Bool { answer(on: .updateInstance, id: id) == .open }
    package func mayDestroy(_ id: Int64) -> Bool { answer(on: .destroyInstance, id: id) == .open }

    /// Decides a request by its route.
    ///
    /// - Parameters:
    ///   - route: The route.
    ///   - id: The id in its path; nil when it has none, or no readable one.
    /// - Returns: What the key gets.
    package func answer(on route: AccountRoute, id: Int64?) -> Answer {
        if route.changesInstances, let bound {
            return .closed("Your key \(bound), and so it changes no instance as a whole")
        }
        guard let permissions else { return .open }
        let constraints = permissions.constraints(on: route, writes: writes)
        guard !constraints.isEmpty else { return .closed(permissions.lack(route)) }
        guard let id else { return .open }
        return constraints.contains { $0.range?.contains(id) == true } ? .open : .absent
    }
}

extension KeyPermissions {
    /// Upstream's sentence (contract 7.2), or what is closer to the matter.
    fileprivate func lack(_ route: AccountRoute) -> String {
        let group = "\(route.category.rawValue) permission group"
        guard grants[route.category] != nil, let name = route.names.first else {
            return "Your key lacks the \(group)"
        }
        return "Your key lacks \(name) in the \(group)"
    }
}
