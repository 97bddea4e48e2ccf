/// An order to make an instance, as it came: what tells that one comes again.
///
/// Equal orders are two instances, as a rule: a script may want three of a kind. The same one comes again when its
/// caller says so (`Idempotency-Key`), or has had no answer: stock clients repeat a PUT whose connection was
/// lost (contract 0.4).
package struct CreationCall: Sendable, Hashable {
    /// The caller's name for the order: for a day, one key's same name is one order.
    package var idempotencyKey: String?
    /// The order, byte for byte; it may hold secrets.
    package var bytes: [UInt8]
    /// Which of the instances it is that one call makes, from 0.
    package var part: Int

    package init(idempotencyKey: String? = nil, bytes: [UInt8], part: Int = 0) {
        self.idempotencyKey = idempotencyKey
        self.bytes = bytes
        self.part = part
    }
}

/// An order to make an instance, as a store knows it: without its words.
package struct RepeatableOrder: Sendable {
    /// The key that gave it.
    package var keyID: APIKey.ID
    package var idempotencyKey: String?
    /// Of the words: equal for equal ones, and tells nobody what they are.
    package var digest: [UInt8]
    package var part: Int
    /// When it came, in Unix seconds.
    package var at: Double
    /// Whether the maker of that instance is being told of it now.
    package var isAnswering: @Sendable (Instance.ID) -> Bool

    package init(
        keyID: APIKey.ID, idempotencyKey: String? = nil, digest: [UInt8], part: Int = 0,
        at time: Double, isAnswering: @escaping @Sendable (Instance.ID) -> Bool
    ) {
        self.keyID = keyID
        self.idempotencyKey = idempotencyKey
        self.digest = digest
        self.part = part
        self.at = time
        self.isAnswering = isAnswering
    }
}
