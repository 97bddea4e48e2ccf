internal import AgentLink
internal import ControlPlane

extension StoreConformance {
    /// A call may have been let in before its machine was revoked, and its body come after.
    func wordsOfTheRevoked() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let account = world.account.id
        let token = Secret().digest
        try await store.addJoinToken(token, expiresAt: 100)
        guard
            let machine = try await store.join(
                tokenDigest: token, name: "m", machineTokenDigest: Secret().digest, at: 1)?.id
        else { return ["broken: a machine joins"] }
        try await store.keep(.sample(slots: 3, diskFreeGB: 50), machine: machine, at: 1)
        let offer = try await store.offers()[0].id
        var ids: [Instance.ID] = []
        for name in ["one", "other"] {
            ids.append(
                try await store.create(world.new(offer: offer, name), noting: world.call(1))
                    .wish.instance.id)
        }
        var report = InstanceReport.sample("c1")
        (report.instanceID, report.generation) = (ids[0], 1)
        try await store.upsert(report, machine: machine, owner: account)

        found.check(try await store.revokeMachine(machine, at: 5), "it is revoked")
        try await store.progress(
            .init(instanceID: ids[1], number: 1, phase: .done, message: ""), machine: machine,
            at: 6)
        found.check(
            try await store.wish(for: ids[1])?.instance.wish.isSettled == false,
            "how far it is is not its to say any more")
        try await store.replaceAll(machine: machine, with: [], at: 6)
        found.check(
            try await store.wish(for: ids[0])?.instance.containerID == "c1",
            "nor is what it has not")
        try await store.forgetInstances(machine: machine, at: 7)
        try await store.upsert(report, machine: machine, owner: account)
        try await store.upsert(.sample("c2"), machine: machine, owner: account)
        try await store.replaceAll(
            machine: machine, with: [(report, account), (.sample("c3"), account)], at: 8)
        found.check(
            try await store.instances(account: account).isEmpty, "nothing of it comes back")
        found.check(
            try await store.principal(keyDigest: world.digest("one"), at: 9) == nil,
            "nor does an instance's key")
        return found.list
    }
}
