/// Which routes a key opens: what a permission file has under `api` (contract 7.2).
package struct KeyPermissions: Sendable, Hashable {
    /// What a key has of one category.
    package enum Grant: Sendable, Hashable {
        /// Every route, those to come included.
        case whole
        /// These routes, by their names, each for some ids.
        case routes([String: IDConstraint])
    }

    /// A category that is not here is not granted.
    package var grants: [PermissionCategory: Grant]

    package init(_ grants: [PermissionCategory: Grant]) {
        self.grants = grants
    }

    /// Whole categories.
    package init(_ categories: PermissionCategory...) {
        self.init(Dictionary(uniqueKeysWithValues: categories.map { ($0, .whole) }))
    }

    /// For which ids a route is open: for those that satisfy any of them.
    ///
    /// - Parameters:
    ///   - route: The route.
    ///   - writes: Whether the key may change something.
    /// - Returns: Nothing when the route is closed.
    package func constraints(on route: AccountRoute, writes: Bool) -> [IDConstraint] {
        route.categories(writes: writes).flatMap { category -> [IDConstraint] in
            switch grants[category] {
            case nil: []
            case .whole: [IDConstraint()]
            case .routes(let constraints): route.names.compactMap { constraints[$0] }
            }
        }
    }
}

// Wildcards.
extension KeyPermissions {
    /// The permissions with every `$name` replaced by the parameter of that name.
    ///
    /// - Parameter parameters: The `key_params` of an order to make a key.
    /// - Returns: Permissions without wildcards.
    /// - Throws: When a parameter is missing, or none asks for it: whoever sent it meant it to narrow.
    package func filled(with parameters: [String: Int64]) throws(InvalidPermissions)
        -> KeyPermissions
    {
        var filled = self
        var unused = Set(parameters.keys)
        for (category, grant) in grants {
            guard case .routes(var constraints) = grant else { continue }
            for (name, constraint) in constraints {
                for (comparison, operand) in constraint.bounds {
                    guard case .parameter(let parameter) = operand else { continue }
                    guard let id = parameters[parameter] else {
                        throw InvalidPermissions(
                            "key_params has no \(parameter), and $\(parameter) asks for it.")
                    }
                    unused.remove(parameter)
                    constraints[name]?.bounds[comparison] = .id(id)
                }
            }
            filled.grants[category] = .routes(constraints)
        }
        guard let name = unused.sorted().first else { return filled }
        throw InvalidPermissions("key_params has \(name), and no $\(name) asks for it.")
    }
}

/// Why a permission file says nothing that can be kept.
package struct InvalidPermissions: Error, Sendable, Hashable, CustomStringConvertible {
    /// For the person who wrote it.
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}
