import ArgumentParser
import ControlPlane
import FoundationEssentials
import LogLine
import SQLiteStore

struct CreateKeyVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create-key",
        abstract: "Make an API key, and its user if there is none of that name; print the key.",
        discussion: """
            The key is shown this once; the server keeps its digest alone. It may do everything unless --agent, \
            --permissions or one of the others says otherwise (docs/keys.md).
            """)

    @OptionGroup var admin: AdminOptions

    @Option(help: ArgumentHelp("Whose key.", valueName: "user"))
    var user: String

    @Option(help: ArgumentHelp("What the key is for.", valueName: "text"))
    var name = "key"

    @OptionGroup var scope: KeyScopeOptions

    @Flag(help: "Print JSON: the key, its id, and what it may do.")
    var json = false

    func validate() throws {
        guard !user.isEmpty, user.utf8.count <= 64 else {
            throw ValidationError("--user takes 1 to 64 bytes")
        }
        guard !name.isEmpty, name.unicodeScalars.count <= 255 else {
            throw ValidationError("--name takes 1 to 255 characters")
        }
    }

    func run() async throws {
        let wanted = try scope.wanted()
        let store = try admin.store()
        let account = try await store.ensureAccount(named: user)
        let secret = Secret()
        let now = WallTime.system.now()
        let key = try await store.addKey(
            secret.digest, name: name, account: account.id, scope: wanted.scope,
            expiresAt: wanted.expiresDays.map { now + Double($0) * 86_400 }, at: now)
        guard json else {
            print(secret.text)
            return
        }
        print(try KeyJSON.text(KeyJSON(key, user: account.name, secret: secret.text)))
    }
}

struct ShowKeysVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show-keys",
        abstract: "List the API keys that are not revoked, and what each may do.",
        discussion: "The keys themselves are not kept, and so not shown.")

    @OptionGroup var admin: AdminOptions

    @Option(help: ArgumentHelp("Whose keys (default: everybody's).", valueName: "user"))
    var user: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let store = try admin.store()
        var accounts = try await store.accounts()
        if let user {
            accounts.removeAll { $0.name != user }
            guard !accounts.isEmpty else { throw ValidationError("there is no user \(user)") }
        }
        var rows: [KeyJSON] = []
        for account in accounts {
            for key in try await store.keys(account: account.id) {
                rows.append(KeyJSON(key, user: account.name))
            }
        }
        guard !json else {
            print(try KeyJSON.text(rows))
            return
        }
        for row in rows { print(row.line) }
    }
}

struct RevokeKeyVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke-key",
        abstract: "Make an API key useless, from its next request on.")

    @OptionGroup var admin: AdminOptions

    @Argument(help: "The key itself.")
    var key: String?

    @Option(help: ArgumentHelp("Its number, as show-keys has it, instead.", valueName: "n"))
    var id: Int64?

    func validate() throws {
        guard (key == nil) != (id == nil) else {
            throw ValidationError("give either the key or --id")
        }
    }

    func run() async throws {
        let store = try admin.store()
        var found = id
        if let key {
            // As of the beginning of time: one that has expired may be revoked too.
            found = try await store.principal(keyDigest: SecretDigest(of: key), at: 0)?.keyID
        }
        guard let found, try await store.revokeKey(id: found, at: WallTime.system.now()) else {
            throw ValidationError("there is no such key")
        }
    }
}

/// A key as programs read it.
private struct KeyJSON: Encodable {
    var id: Int64
    var user: String
    var name: String
    var key: String?
    var permissions: KeyScope
    var expiresAt: Double?

    private enum CodingKeys: String, CodingKey {
        case id, user, name, key, permissions
        case expiresAt = "expires_at"
    }

    init(_ key: APIKey, user: String, secret: String? = nil) {
        id = key.id
        self.user = user
        name = key.name
        self.key = secret
        permissions = key.scope
        expiresAt = key.expiresAt
    }

    /// The same for people; nobody's name can make two lines of it.
    var line: String {
        var pairs = [
            ("id", "\(id)"), ("user", user), ("name", name),
            ("expires", expiresAt.map(LogLine.time) ?? "never"),
            ("writes", "\(permissions.writes)"),
            ("opens", permissions.permissions?.summary ?? "everything"),
        ]
        if let commands = permissions.commands {
            pairs.append(("commands", commands.joined(separator: ",")))
        }
        for path in permissions.paths ?? [] { pairs.append(("path", path)) }
        if let budget = permissions.deletionBudget {
            if budget.entries != .max { pairs.append(("entries_a_day", "\(budget.entries)")) }
            if budget.bytes != .max { pairs.append(("bytes_a_day", "\(budget.bytes)")) }
        }
        return LogLine.text(pairs)
    }

    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

extension KeyPermissions {
    /// The categories, and for those that are not whole the routes, with the ids that each is for.
    fileprivate var summary: String {
        grants.flatMap { category, grant -> [String] in
            guard case .routes(let routes) = grant else { return [category.rawValue] }
            return routes.map { name, constraint in
                guard !constraint.bounds.isEmpty else { return "\(category.rawValue)/\(name)" }
                guard let range = constraint.range else {
                    return "\(category.rawValue)/\(name):none"
                }
                let first = range.lowerBound == .min ? "" : "\(range.lowerBound)"
                let last = range.upperBound == .max ? "" : "\(range.upperBound)"
                return "\(category.rawValue)/\(name):\(first == last ? first : "\(first)-\(last)")"
            }
        }.sorted().joined(separator: ",")
    }
}
