internal import AgentLink
internal import ControlPlane

extension StoreConformance {
    static var machineChecks: [Check] {
        [
            Check(name: "a revoked machine is nobody, for ever") {
                try await $0.revokedMachinesAreNobody()
            }
        ]
    }

    func revokedMachinesAreNobody() async throws -> [String] {
        var found = Findings()
        let local = try await store.ensureLocalMachine(name: "here", at: 1)
        var tokens: [SecretDigest] = []
        var machines: [Machine] = []
        for name in ["one", "other"] {
            let join = Secret().digest
            let token = Secret().digest
            try await store.addJoinToken(join, expiresAt: 100)
            if let machine = try await store.join(
                tokenDigest: join, name: name, machineTokenDigest: token, at: 2)
            {
                machines.append(machine)
                tokens.append(token)
            }
        }
        guard machines.count == 2 else { return ["broken: machines join"] }
        found.check(
            try await store.machines() == [local] + machines, "machines are listed by id")
        found.check(try await store.revokedMachines().isEmpty, "none is revoked at first")

        found.check(try await store.revokeMachine(machines[0].id, at: 5), "revoking finds it")
        found.check(
            try await store.machine(tokenDigest: tokens[0]) == nil, "its token is nobody's")
        found.check(
            try await store.machine(tokenDigest: tokens[1]) == machines[1], "the other's is its own"
        )
        found.check(
            try await store.revokedMachines() == [machines[0].id], "and it is known as revoked")
        found.check(
            try await store.machines().map(\.revokedAt) == [nil, 5, nil], "and when it was")
        found.check(
            try await !store.revokeMachine(machines[0].id, at: 6), "revoking twice is false")
        found.check(
            try await !store.revokeMachine(local.id, at: 6), "the local one has no token to revoke")
        found.check(
            try await !store.revokeMachine(machines[1].id + 1, at: 6), "nor has one that is none")

        let events = try await store.auditEntries(after: 0, limit: 100).compactMap(\.entry)
            .filter { $0.event == .machineRevoked }
        found.check(
            events.map(\.detail) == ["machine \(machines[0].id)"],
            "the audit log has the one that was revoked")
        return found.list
    }
}
