internal import AgentLink
internal import FoundationEssentials

/// The only way to templates: callers see those of their account and what others let them see, and change their own.
package struct TemplateAccess: Sendable {
    private let store: any TemplateStore
    private let box: SecretBox
    private let time: WallTime

    /// - Parameters:
    ///   - store: Where they are kept.
    ///   - box: What seals their contents.
    ///   - time: The clock.
    package init(store: any TemplateStore, box: SecretBox, time: WallTime) {
        self.store = store
        self.box = box
        self.time = time
    }

    /// All that the principal sees, by ascending id.
    ///
    /// - Throws: ``ControlPlaneError/Code/unreadableSecret`` when one of its own was sealed with another key.
    package func templates(for principal: Principal) async throws -> [Template] {
        let account = principal.account.id
        return try await store.templates(account: account).compactMap { stored in
            do {
                return try opened(stored)
            } catch let error as ControlPlaneError {
                // What somebody else can mend hides nothing of one's own.
                guard stored.accountID == account else { return nil }
                throw error
            }
        }
    }

    /// - Throws: ``ControlPlaneError``: `template_not_found`, also for what is private of somebody else's;
    ///   `unreadable_secret`.
    package func template(_ reference: TemplateReference, for principal: Principal) async throws
        -> Template
    {
        guard let stored = try await store.template(reference, account: principal.account.id) else {
            throw Self.notFound
        }
        return try opened(stored)
    }

    /// Keeps a new template.
    ///
    /// - Throws: ``ControlPlaneError``: `invalid_arguments` for too many, or too much; `not_authorized`.
    package func add(_ content: TemplateContent, isPrivate: Bool, as principal: Principal)
        async throws -> Template
    {
        try Self.allow(principal.scope.barsTemplates)
        let version = try version(content, isPrivate: isPrivate, of: principal)
        let stored = try await store.addTemplate(
            version, noting: note(.addTemplate, by: principal, version.hashID))
        return Template(stored, content)
    }

    /// Gives a template another version, with a hash of its own; the last versions are still found by theirs.
    ///
    /// - Parameters:
    ///   - reference: Which; the hash of its newest version.
    ///   - id: The id that it must have, too.
    ///   - content: All that it is from then on.
    ///   - isPrivate: Whether other accounts know nothing of it.
    ///   - principal: Whose it is.
    /// - Returns: The template.
    /// - Throws: ``ControlPlaneError``: `template_not_found`, and as ``add(_:isPrivate:as:)``.
    package func change(
        _ reference: TemplateReference, id: Template.ID?, to content: TemplateContent,
        isPrivate: Bool, as principal: Principal
    ) async throws -> Template {
        try Self.allow(principal.scope.barsTemplates)
        let version = try version(content, isPrivate: isPrivate, of: principal)
        guard
            let stored = try await store.changeTemplate(
                reference, id: id, to: version,
                noting: note(.updateTemplate, by: principal, version.hashID))
        else { throw Self.notFound }
        return Template(stored, content)
    }

    /// Removes a template; instances that were made from it stay as they are.
    ///
    /// - Throws: ``ControlPlaneError``: `template_not_found`, `not_authorized`.
    package func remove(_ reference: TemplateReference, as principal: Principal) async throws {
        try Self.allow(principal.scope.barsRemoval)
        let text =
            switch reference {
            case .id(let id): "\(id)"
            case .hash(let hash): String(hash.prefix(64))
            }
        let call = note(.removeTemplate, by: principal, text)
        guard
            try await store.removeTemplate(reference, account: principal.account.id, noting: call)
        else { throw Self.notFound }
    }

    /// Of one account.
    package static let maximumCount = 200
    /// Of all versions of an account's, sealed.
    package static let maximumByteCount = 8 << 20
    /// Of one template, the newest among them.
    package static let keptVersionCount = 10

    private func version(
        _ content: TemplateContent, isPrivate: Bool, of principal: Principal
    ) throws -> TemplateVersion {
        let account = principal.account.id
        // By chance, not by content as upstream's: a hash of secrets would let whoever sees it try what they are.
        let hash = Self.makeHash()
        let sealed = try box.seal(
            Array(JSONEncoder().encode(content)), for: Self.context(hash, of: account))
        return TemplateVersion(
            accountID: account, hashID: hash, isPrivate: isPrivate, sealed: sealed,
            time: time.now())
    }

    private func opened(_ stored: StoredTemplate) throws -> Template {
        let context = Self.context(stored.hashID, of: stored.accountID)
        guard let bytes = try? box.open(stored.sealed, for: context) else {
            throw ControlPlaneError(
                .unreadableSecret,
                "Template \(stored.id) cannot be read by this server any more; delete it by its id."
            )
        }
        return Template(
            stored, try JSONDecoder().decode(TemplateContent.self, from: Data(bytes)))
    }

    private func note(_ route: AccountRoute, by principal: Principal, _ text: String) -> AuditEntry
    {
        .call(route, by: principal, arguments: ["template": text], at: time.now())
    }

    /// 32 hexadecimal digits from the system's generator.
    private static func makeHash() -> String {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        for _ in 0..<2 {
            withUnsafeBytes(of: generator.next() as UInt64) { bytes.append(contentsOf: $0) }
        }
        return Hex.string(bytes)
    }

    /// Sealed content opens for its own account and version alone.
    private static func context(_ hash: String, of account: Account.ID) -> String {
        "template/\(account)/\(hash)"
    }

    private static func allow(_ objection: String?) throws {
        if let objection { throw ControlPlaneError(.notAuthorized, objection) }
    }

    private static let notFound = ControlPlaneError(
        .templateNotFound, "There is no such template.")
}

extension KeyScope {
    /// Why a key may not say what instances are made from; nil when it may.
    ///
    /// As with environment variables: instances that others make would do what it says.
    fileprivate var barsTemplates: String? {
        bound.map { "Your key \($0), and so it changes no templates" }
    }
}
