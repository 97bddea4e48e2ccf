/// How far the end of an instance is.
///
/// An instance that is wished gone is hidden from its owner at once; this is what is left to be seen of it.
package struct Destruction: Sendable, Hashable {
    package enum State: String, Sendable, Hashable {
        /// Nobody has wished it gone, and it is there.
        case none
        /// It is wished gone, and its machine has not said yet that it is.
        case pending
        /// Its machine has said that its container is gone, or will say nothing more because it was revoked.
        case done
    }

    /// As it last was.
    package var instance: Instance
    package var state: State

    package init(instance: Instance, state: State) {
        self.instance = instance
        self.state = state
    }
}
