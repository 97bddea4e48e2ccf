/// The only way to the machines for a caller: they are the operator's, and nobody else is shown any.
///
/// The operator is the account that was made first, as for containers that name no owner. The others rent: offers
/// tell them what they can have, and an instance's row where it is reached.
package struct MachineAccess: Sendable {
    private let accounts: any AccountStore
    private let machines: any MachineStore

    package init(accounts: any AccountStore, machines: any MachineStore) {
        self.accounts = accounts
        self.machines = machines
    }

    /// All of them for the operator; none for anybody else.
    package func machines(of principal: Principal) async throws -> [MachineRecord] {
        guard try await accounts.firstAccount()?.id == principal.account.id else { return [] }
        return try await machines.machineRecords()
    }

    /// One of them; nil when there is none, or it is not the principal's to see.
    package func machine(_ id: Machine.ID, as principal: Principal) async throws -> MachineRecord? {
        try await machines(of: principal).first { $0.id == id }
    }
}
