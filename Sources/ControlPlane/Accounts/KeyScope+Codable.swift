internal import CommandPolicy

/// The JSON of a permission file: `{"api": {…}, "commands": […], "paths": […], "writes": false,
/// "deletion_budget": {…}}`, and the same in the store and on the wire.
extension KeyScope: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case commands, paths, writes
        case permissions = "api"
        case deletionBudget = "deletion_budget"
    }

    package init(from decoder: any Decoder) throws {
        try self.init(from: decoder, besides: [])
    }

    /// - Parameters:
    ///   - decoder: At the object.
    ///   - others: Keys that mean something to the caller.
    /// - Throws: ``InvalidPermissions``, or `DecodingError` for a value of another kind.
    init(from decoder: any Decoder, besides others: [String]) throws {
        try decoder.allowKeys(CodingKeys.allCases.map(\.rawValue) + others, "key of permissions")
        let object = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            permissions: try object.decodeIfPresent(KeyPermissions.self, forKey: .permissions),
            commands: try object.decodeIfPresent([String].self, forKey: .commands)
                .map(Self.checkedCommands),
            paths: try object.decodeIfPresent([String].self, forKey: .paths)
                .map(Self.checkedPaths),
            writes: try object.decodeIfPresent(Bool.self, forKey: .writes) ?? true,
            deletionBudget: try object.decodeIfPresent(
                DeletionBudget.self, forKey: .deletionBudget))
        if writes { try checkReadersNames() }
    }

    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encodeIfPresent(permissions, forKey: .permissions)
        try object.encodeIfPresent(commands, forKey: .commands)
        try object.encodeIfPresent(paths, forKey: .paths)
        if !writes { try object.encode(writes, forKey: .writes) }
        try object.encodeIfPresent(deletionBudget, forKey: .deletionBudget)
    }

    /// Names of policies or rules, as policy documents spell them.
    ///
    /// - Throws: ``InvalidPermissions`` for what can be no such name. Whether there is one is not asked:
    ///   a name that names nothing grants nothing.
    package static func checkedCommands(_ names: [String]) throws(InvalidPermissions) -> [String] {
        guard (1...maximumCount).contains(names.count) else {
            throw InvalidPermissions("commands has 1 to \(maximumCount) names.")
        }
        for name in names {
            let parts = name.split(
                separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count <= 2, parts.allSatisfy(isName) else {
                throw InvalidPermissions(
                    "“\(name.prefix(80))” is no policy (vast) and no rule of one (vast/ls).")
            }
        }
        return names
    }

    /// Absolute paths in their shortest spelling.
    ///
    /// - Throws: ``InvalidPermissions`` for one that is not absolute, or that goes up: where that leads
    ///   depends on links.
    package static func checkedPaths(_ paths: [String]) throws(InvalidPermissions) -> [String] {
        guard (1...maximumCount).contains(paths.count) else {
            throw InvalidPermissions("paths has 1 to \(maximumCount) paths.")
        }
        for path in paths {
            guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= 4096,
                !path.utf8.contains(0),
                !path.utf8.split(separator: UInt8(ascii: "/")).contains(where: {
                    $0.elementsEqual("..".utf8)
                })
            else {
                throw InvalidPermissions(
                    "“\(path.prefix(80))” is no absolute path without “..”.")
            }
        }
        return paths.map(PathPrefix.normalized)
    }

    /// Bounds what each request with the key has to look at.
    private static let maximumCount = 64

    private static func isName(_ text: Substring) -> Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = text.utf8.first, letters.contains(first), text.utf8.count <= 32 else {
            return false
        }
        return text.utf8.allSatisfy {
            letters.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "-")
        }
    }

    /// A file that names them for a key that may write expects what it does not get.
    private func checkReadersNames() throws(InvalidPermissions) {
        for (category, grant) in permissions?.grants ?? [:] {
            guard case .routes(let routes) = grant else { continue }
            let names = AccountRoute.readersNames(in: category)
            guard let name = routes.keys.first(where: names.contains) else { continue }
            throw InvalidPermissions(
                "\(name) is in \(category.rawValue) for keys with \"writes\": false alone.")
        }
    }
}
