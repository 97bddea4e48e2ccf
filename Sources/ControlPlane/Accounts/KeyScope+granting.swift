internal import CommandPolicy

// What a key may give to another.
extension KeyScope {
    /// The scope of a key that this one makes.
    ///
    /// What is not asked for is inherited where this key is narrowed, and `writes` is never more than this key
    /// has.
    ///
    /// - Parameter wanted: What is asked for.
    /// - Returns: What the new key gets.
    /// - Throws: ``ControlPlaneError/Code/notAuthorized`` when it would reach further than this one.
    package func granting(_ wanted: KeyScope) throws -> KeyScope {
        var granted = wanted
        granted.permissions = wanted.permissions ?? permissions
        granted.commands = wanted.commands ?? commands
        granted.paths = wanted.paths ?? paths
        granted.writes = wanted.writes && writes
        if let excess = excess(of: granted) {
            throw ControlPlaneError(
                .notAuthorized, "A key grants no more than it has itself: \(excess).")
        }
        return granted
    }

    /// What another scope has that this one has not, in words; nil when it has nothing beyond.
    package func excess(of other: KeyScope) -> String? {
        if let excess = excess(ofRoutes: other) { return excess }
        if let commands {
            guard let others = other.commands else { return "it is bound to commands" }
            if let name = others.first(where: { !covers($0, commands) }) { return "not \(name)" }
        }
        if let paths {
            guard let others = other.paths else { return "it is bound to paths" }
            let outside = others.first { path in
                !paths.contains { PathPrefix.contains($0, path) }
            }
            if let outside { return "not \(outside)" }
        }
        guard other.writes else { return nil }
        guard writes else { return "it may change nothing" }
        // Each key has a budget of its own: with a second key, the first would have two.
        return deletionBudget == nil
            ? nil : "it has a deletion budget, and grants \"writes\": false alone"
    }

    private func excess(ofRoutes other: KeyScope) -> String? {
        guard let permissions else { return nil }
        guard let others = other.permissions else { return "it is bound to permissions" }
        for category in PermissionCategory.allCases where others.grants[category] == .whole {
            // Routes to come belong to whole categories.
            guard permissions.grants[category] == .whole else {
                return "not the whole \(category.rawValue) permission group"
            }
        }
        for route in AccountRoute.all {
            let own = permissions.constraints(on: route, writes: writes)
            let wanted = others.constraints(on: route, writes: other.writes)
            let isCovered = wanted.allSatisfy { wanted in own.contains { $0.contains(wanted) } }
            guard isCovered else {
                return "not \(route.names.first ?? route.path), or not for all of those ids"
            }
        }
        return nil
    }

    /// Whether a policy or rule is among those of a key, or its policy is.
    private func covers(_ name: String, _ commands: [String]) -> Bool {
        commands.contains { $0 == name || name.hasPrefix($0 + "/") }
    }
}
