/// Templates; their contents come and go sealed.
///
/// What changes one takes the entry of the audit log that tells of it, and writes both or neither. An account sees its own, and of others those whose newest version is not private, unless their maker is blocked. Of
/// a template that changed, the last ``TemplateAccess/keptVersionCount`` versions are found by their hashes; one of
/// another account only if it was not private either.
package protocol TemplateStore: Sendable {
    /// The newest version of each that the account sees, by ascending id.
    func templates(account: Account.ID) async throws -> [StoredTemplate]
    /// One that the account sees; nil for any other.
    func template(_ reference: TemplateReference, account: Account.ID) async throws
        -> StoredTemplate?
    /// Keeps a new template.
    ///
    /// - Throws: ``ControlPlaneError/Code/invalidArguments`` when the account has ``TemplateAccess/maximumCount``, or
    ///   they would take more than ``TemplateAccess/maximumByteCount``; what the store throws.
    func addTemplate(_ version: TemplateVersion, noting call: AuditEntry) async throws
        -> StoredTemplate
    /// Gives a template of the account another version; nil when it has none of that reference. A hash has to be that
    /// of the newest version: of two who change one at once, the second is too late.
    ///
    /// - Parameters:
    ///   - reference: Which.
    ///   - id: The id that it must have, too, when it is given.
    ///   - version: What it is from then on.
    ///   - call: What the audit log gets.
    /// - Returns: The template, or nil.
    /// - Throws: As ``addTemplate(_:noting:)``.
    func changeTemplate(
        _ reference: TemplateReference, id: Template.ID?, to version: TemplateVersion,
        noting call: AuditEntry
    ) async throws -> StoredTemplate?
    /// Removes a template of the account, with all of its versions; returns whether it had one. Its id stays spent.
    func removeTemplate(
        _ reference: TemplateReference, account: Account.ID, noting call: AuditEntry
    ) async throws -> Bool
}

/// A template as it is kept.
package struct StoredTemplate: Sendable, Hashable {
    package var id: Template.ID
    package var accountID: Account.ID
    package var hashID: String
    package var isPrivate: Bool
    /// What ``SecretBox`` made of the content.
    package var sealed: [UInt8]
    /// Unix seconds.
    package var createdAt: Double
    package var instanceCount: Int64
    package var usedAt: Double?

    package init(
        id: Template.ID, accountID: Account.ID, hashID: String, isPrivate: Bool, sealed: [UInt8],
        createdAt: Double, instanceCount: Int64, usedAt: Double?
    ) {
        self.id = id
        self.accountID = accountID
        self.hashID = hashID
        self.isPrivate = isPrivate
        self.sealed = sealed
        self.createdAt = createdAt
        self.instanceCount = instanceCount
        self.usedAt = usedAt
    }
}

/// A version of a template that is to be kept.
package struct TemplateVersion: Sendable, Hashable {
    package var accountID: Account.ID
    package var hashID: String
    package var isPrivate: Bool
    package var sealed: [UInt8]
    /// Unix seconds.
    package var time: Double

    package init(
        accountID: Account.ID, hashID: String, isPrivate: Bool, sealed: [UInt8], time: Double
    ) {
        self.accountID = accountID
        self.hashID = hashID
        self.isPrivate = isPrivate
        self.sealed = sealed
        self.time = time
    }
}
