/// The only way to an account's environment variables: callers set them and see their names, instances that the account
/// makes get their values.
package struct EnvironmentAccess: Sendable {
    private let store: any EnvironmentStore
    private let box: SecretBox
    private let time: WallTime

    /// - Parameters:
    ///   - store: Where they are kept.
    ///   - box: What seals their values.
    ///   - time: The clock.
    package init(store: any EnvironmentStore, box: SecretBox, time: WallTime) {
        self.store = store
        self.box = box
        self.time = time
    }

    /// What each instance of the account gets when it is made: pairs of name and value, by ascending name.
    ///
    /// - Throws: ``ControlPlaneError/Code/unreadableSecret`` when one was sealed with another key.
    package func environment(account: Account.ID) async throws -> [[String]] {
        try await store.environmentVariables(account: account).map { variable in
            let context = Self.context(variable.name, of: account)
            guard let value = try? box.open(variable.sealed, for: context) else {
                throw ControlPlaneError(
                    .unreadableSecret,
                    "The environment variable \(variable.name) cannot be read by this server any more; set it again, or delete it."
                )
            }
            return [variable.name, String(decoding: value, as: UTF8.self)]
        }
    }

    /// The names, by ascending order; no caller ever gets a value back.
    package func names(of principal: Principal) async throws -> [String] {
        try await store.environmentVariables(account: principal.account.id).map(\.name)
    }

    /// Keeps variables, or replaces those of the same names.
    ///
    /// - Parameters:
    ///   - variables: Names, in either case, and values; of equal names the last counts.
    ///   - areThere: Whether they have to be there before.
    ///   - principal: Whose they are.
    /// - Returns: False when one is not there that has to be; nothing is changed then.
    /// - Throws: ``ControlPlaneError``: `invalid_arguments` for a name or value that is none, or for too many;
    ///   `not_authorized`.
    package func set(
        _ variables: [(name: String, value: String)], areThere: Bool, as principal: Principal
    ) async throws -> Bool {
        var values: [String: String] = [:]
        for (name, value) in variables {
            let name = try Self.checked(name: name)
            guard !Self.isOfEveryProgram(name) else {
                throw ControlPlaneError(
                    .invalidArguments,
                    "\(name) decides how every program starts, and would break every instance: give it to one in its env."
                )
            }
            values[name] = try Self.checked(value: value)
        }
        if let objection = principal.scope.barsEnvironment {
            throw ControlPlaneError(.notAuthorized, objection)
        }
        let account = principal.account.id
        let sealed = try values.sorted { $0.key < $1.key }.map { name, value in
            SealedVariable(
                name: name,
                sealed: try box.seal(Array(value.utf8), for: Self.context(name, of: account)))
        }
        let names = sealed.map(\.name).joined(separator: ", ")
        return try await store.setEnvironmentVariables(
            sealed, account: account, areThere: areThere,
            noting: .call(
                areThere ? .updateSecret : .addSecret, by: principal, arguments: ["key": names],
                at: time.now()))
    }

    /// - Returns: Whether there was one of that name, in either case.
    /// - Throws: ``ControlPlaneError``: `not_authorized`.
    package func remove(_ name: String, as principal: Principal) async throws -> Bool {
        let name = try Self.checked(name: name)
        if let objection = principal.scope.barsRemoval {
            throw ControlPlaneError(.notAuthorized, objection)
        }
        return try await store.removeEnvironmentVariable(
            name, account: principal.account.id,
            noting: .call(
                .removeSecret, by: principal, arguments: ["key": name], at: time.now()))
    }

    /// Upstream's bound (contract 7.3).
    package static let maximumCount = 16

    /// A sealed value opens for its own account and name alone.
    private static func context(_ name: String, of account: Account.ID) -> String {
        "environment/\(account)/\(name)"
    }

    /// - Returns: The name in upper case, as upstream keeps it.
    private static func checked(name: String) throws -> String {
        // ASCII first: other letters become these when they are made large.
        let isASCII = name.utf8.allSatisfy { $0 < 0x80 }
        let name = name.uppercased()
        let isName =
            isASCII
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        guard isName, (1...256).contains(name.utf8.count),
            name.utf8.first.map({ $0 > UInt8(ascii: "9") }) == true
        else {
            throw ControlPlaneError(
                .invalidArguments,
                "The key has 1 to 256 letters, digits and underscores, and begins with no digit.")
        }
        return name
    }

    /// Where programs and their libraries are found (environ(7), ld.so(8)): without a slash, which no value has, it is
    /// nowhere.
    private static func isOfEveryProgram(_ name: String) -> Bool {
        ["PATH", "HOME", "SHELL"].contains(name) || name.hasPrefix("LD_")
    }

    private static func checked(value: String) throws -> String {
        let isValue = value.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isValue, (1...4096).contains(value.utf8.count) else {
            throw ControlPlaneError(
                .invalidArguments,
                "The value has 1 to 4096 letters, digits, underscores, dashes and dots.")
        }
        return value
    }
}
