/// A key of a JSON object, whatever it is.
struct ObjectKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) { nil }
}

/// The JSON of the wire, of files and of the store: `{"instance_read": {}, …}`.
///
/// What is not known is refused: a key that seems narrower than it is would be worse than none.
extension KeyPermissions: Codable {
    package init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: ObjectKey.self)
        var grants: [PermissionCategory: Grant] = [:]
        for key in object.allKeys {
            guard let category = PermissionCategory(rawValue: key.stringValue) else {
                throw InvalidPermissions.unknown(
                    "permission category", key, PermissionCategory.allCases.map(\.rawValue))
            }
            grants[category] = try Grant(
                from: object.nestedContainer(keyedBy: ObjectKey.self, forKey: key), category)
        }
        guard !grants.isEmpty else { throw InvalidPermissions("api names no permission category.") }
        self.init(grants)
    }

    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: ObjectKey.self)
        for (category, grant) in grants {
            var routes = object.nestedContainer(
                keyedBy: ObjectKey.self, forKey: ObjectKey(stringValue: category.rawValue))
            guard case .routes(let constraints) = grant else { continue }
            for (name, constraint) in constraints {
                try constraint.encode(
                    in: routes.nestedContainer(
                        keyedBy: ObjectKey.self, forKey: ObjectKey(stringValue: name)))
            }
        }
    }
}

extension KeyPermissions.Grant {
    fileprivate init(
        from object: KeyedDecodingContainer<ObjectKey>, _ category: PermissionCategory
    ) throws {
        guard !object.allKeys.isEmpty else {
            self = .whole
            return
        }
        let known = AccountRoute.names(in: category)
        var constraints: [String: IDConstraint] = [:]
        for key in object.allKeys {
            guard let hasID = known[key.stringValue] else {
                throw InvalidPermissions.unknown(
                    "route in \(category.rawValue)", key, Array(known.keys))
            }
            let route = try object.nestedContainer(keyedBy: ObjectKey.self, forKey: key)
            let constraint = try IDConstraint(from: route)
            guard hasID || constraint.bounds.isEmpty else {
                throw InvalidPermissions("\(key.stringValue) has no id that can be constrained.")
            }
            constraints[key.stringValue] = constraint
        }
        self = .routes(constraints)
    }
}

extension IDConstraint {
    private static let constraintsKey = ObjectKey(stringValue: "constraints")
    private static let idKey = ObjectKey(stringValue: "id")

    /// Reads `{}`, or `{"constraints": {"id": {"eq": 1}}}`.
    fileprivate init(from route: KeyedDecodingContainer<ObjectKey>) throws {
        self.init()
        guard !route.allKeys.isEmpty else { return }
        try Self.expect(Self.constraintsKey, in: route, "key of a route")
        let parameters = try route.nestedContainer(
            keyedBy: ObjectKey.self, forKey: Self.constraintsKey)
        try Self.expect(Self.idKey, in: parameters, "constrained parameter")
        let operators = try parameters.nestedContainer(keyedBy: ObjectKey.self, forKey: Self.idKey)
        for key in operators.allKeys {
            guard let comparison = Operator(rawValue: key.stringValue) else {
                throw InvalidPermissions.unknown(
                    "constraint operator", key, Operator.allCases.map(\.rawValue))
            }
            bounds[comparison] = try operators.decode(Operand.self, forKey: key)
        }
        guard !bounds.isEmpty else {
            throw InvalidPermissions("A constraint on id has at least one of eq, gte and lte.")
        }
    }

    fileprivate func encode(in route: KeyedEncodingContainer<ObjectKey>) throws {
        guard !bounds.isEmpty else { return }
        var route = route
        var parameters = route.nestedContainer(
            keyedBy: ObjectKey.self, forKey: Self.constraintsKey)
        var operators = parameters.nestedContainer(keyedBy: ObjectKey.self, forKey: Self.idKey)
        for (comparison, operand) in bounds {
            try operators.encode(operand, forKey: ObjectKey(stringValue: comparison.rawValue))
        }
    }

    private static func expect(
        _ expected: ObjectKey, in object: KeyedDecodingContainer<ObjectKey>, _ what: String
    ) throws {
        for key in object.allKeys where key.stringValue != expected.stringValue {
            throw InvalidPermissions.unknown(what, key, [expected.stringValue])
        }
        guard object.contains(expected) else {
            throw InvalidPermissions(
                "constraints names no parameter; known: \(expected.stringValue).")
        }
    }
}

extension IDConstraint.Operand: Codable {
    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let id = try? value.decode(Int64.self) {
            self = .id(id)
        } else if let text = try? value.decode(String.self), text.utf8.first == UInt8(ascii: "$"),
            text.utf8.count > 1
        {
            self = .parameter(String(text.dropFirst()))
        } else {
            throw InvalidPermissions("An id is compared with a whole number or with \"$name\".")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .id(let id): try value.encode(id)
        case .parameter(let name): try value.encode("$\(name)")
        }
    }
}

extension InvalidPermissions {
    static func unknown(_ what: String, _ key: ObjectKey, _ known: [String]) -> InvalidPermissions {
        InvalidPermissions(
            "There is no \(what) “\(key.stringValue.prefix(64))”; known: "
                + (known.isEmpty ? "none" : known.sorted().joined(separator: ", ")) + ".")
    }
}
