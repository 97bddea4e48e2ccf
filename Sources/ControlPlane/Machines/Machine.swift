/// A host that an agent speaks for.
package struct Machine: Sendable, Hashable, Identifiable {
    package typealias ID = Int64
    package var id: ID
    /// For people: the host name it joined with.
    package var name: String

    package init(id: ID, name: String) {
        self.id = id
        self.name = name
    }
}
