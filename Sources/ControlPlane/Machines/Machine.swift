package import AgentLink

/// A host that an agent speaks for.
package struct Machine: Sendable, Hashable, Identifiable {
    package typealias ID = Int64
    package var id: ID
    /// For people: the host name it joined with.
    package var name: String
    /// Unix seconds.
    package var joinedAt: Double
    /// When the operator took its token away for ever.
    package var revokedAt: Double?

    package init(id: ID, name: String, joinedAt: Double, revokedAt: Double? = nil) {
        self.id = id
        self.name = name
        self.joinedAt = joinedAt
        self.revokedAt = revokedAt
    }
}

/// A machine and what it last said of itself.
package struct MachineRecord: Sendable, Hashable, Identifiable {
    package var machine: Machine
    /// Nil for one that has said nothing yet.
    package var report: MachineReport?
    package var free: MachineCapacity?

    package var id: Machine.ID { machine.id }

    package init(machine: Machine, report: MachineReport?, free: MachineCapacity?) {
        self.machine = machine
        self.report = report
        self.free = free
    }
}
