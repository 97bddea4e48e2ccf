/// One word of an expression as `find` reads it: a test, an action, an operator.
package struct PredicateRule: Sendable, Hashable {
    /// As it is spelled, dash included: `-name`, `(`, `!`.
    package var name: String
    /// What each of its arguments may be.
    package var values: [ValueCheck]
    /// Why the policy refuses it, as a clause after "because"; nil if it is allowed.
    package var refusal: String?

    package init(name: String, values: [ValueCheck] = [], refusal: String? = nil) {
        self.name = name
        self.values = values
        self.refusal = refusal
    }
}
