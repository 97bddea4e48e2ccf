internal import CommandPolicy

/// An order that its caller has a name for, as far as it tells whether another order is the same one.
///
/// Nothing of it depends on how the instance is, or on what is allowed, at the moment: a caller that had no answer is to
/// learn of its command whatever happened meanwhile.
package struct NamedOrder: Sendable, Hashable {
    /// Whose order it is; names of different keys have nothing to do with each other.
    package var keyID: APIKey.ID
    package var idempotencyKey: String
    package var instanceID: Instance.ID
    package var argv: [String]
    /// As ``NewCommand/variant``.
    package var variant: String
    /// As ``NewCommand/askedTimeoutSeconds``.
    package var askedTimeout: Int?
    /// When it came, in Unix seconds.
    package var at: Double

    package init(
        keyID: APIKey.ID, idempotencyKey: String, instanceID: Instance.ID, argv: [String],
        variant: String = "", askedTimeout: Int? = nil, at time: Double
    ) {
        self.keyID = keyID
        self.idempotencyKey = idempotencyKey
        self.instanceID = instanceID
        self.argv = argv
        self.variant = variant
        self.askedTimeout = askedTimeout
        self.at = time
    }
}

extension NewCommand {
    /// The order under its caller's name; nil when it has none.
    package var named: NamedOrder? {
        idempotencyKey.map {
            NamedOrder(
                keyID: keyID, idempotencyKey: $0, instanceID: instance.id, argv: decision.argv,
                variant: variant, askedTimeout: askedTimeoutSeconds, at: createdAt)
        }
    }

    /// What tells orders of the same words apart: on what they run, and what of them is done.
    package var variant: String {
        Self.variant(on: decision.view, previews: decision.previews, plan: planID)
    }

    static func variant(on view: InstanceView, previews: Bool, plan: Command.ID?) -> String {
        [
            view == .merged ? nil : view.rawValue, previews ? "preview" : nil,
            plan.map { "plan \($0)" },
        ].compactMap { $0 }.joined(separator: ", ")
    }
}
