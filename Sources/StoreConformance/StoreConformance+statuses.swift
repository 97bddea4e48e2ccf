internal import AgentLink
internal import ControlPlane

// What an instance's row says while things go wrong: `status` is the engine's last word on its container, and
// `status_message` how far the last wish is.
extension StoreConformance {
    static var statusChecks: [Check] {
        [
            Check(name: "a container that cannot be replaced is as its engine says") {
                try await $0.replacementThatFails()
            },
            Check(name: "why a wish failed stays until it is carried out") {
                try await $0.failureThatStays()
            },
            Check(name: "an instance between two containers says so") {
                try await $0.betweenContainers()
            },
            Check(name: "the number on a container that is adopted is given to no instance") {
                try await $0.numbersOfOthers()
            },
            Check(name: "what is told again spends no id") { try await $0.reportsSpendNoIDs() },
            Check(name: "nothing that a revoked machine tells is kept") {
                try await $0.wordsOfTheRevoked()
            },
        ]
    }

    private func reportsSpendNoIDs() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let (account, machine) = (world.account.id, world.machine.id)
        for _ in 0..<5 {
            try await store.upsert(.sample("a"), machine: machine, owner: account)
            try await store.replaceAll(
                machine: machine, with: [(.sample("a"), account)], at: 1)
        }
        try await store.upsert(.sample("b"), machine: machine, owner: account)
        let ids = try await store.instances(account: account).map(\.id)
        found.check(ids.count == 2 && ids[1] == ids[0] + 1, "the next one has the next id")
        return found.list
    }

    /// An instance that runs in its container, and whose wish is settled.
    private func running(_ world: World, _ container: String = "c1") async throws -> (
        id: Instance.ID, report: InstanceReport
    ) {
        try await store.keep(
            .sample(slots: 3, diskFreeGB: 50), machine: world.machine.id, at: 1)
        let offer = try await store.offers()[0].id
        let id = try await store.create(
            world.new(offer: offer, container), noting: world.call(1)
        ).wish.instance.id
        var report = InstanceReport.sample(container)
        (report.instanceID, report.generation) = (id, 1)
        try await store.upsert(report, machine: world.machine.id, owner: world.account.id)
        try await tell(world, id, 1, .done)
        return (id, report)
    }

    private func tell(
        _ world: World, _ id: Instance.ID, _ number: Int64, _ phase: InstanceProgress.Phase,
        _ message: String = ""
    ) async throws {
        try await store.progress(
            .init(instanceID: id, number: number, phase: phase, message: message),
            machine: world.machine.id, at: 2)
    }

    func replacementThatFails() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        var (id, report) = try await running(world)
        let (account, machine) = (world.account.id, world.machine.id)
        _ = try await store.renew(
            id, account: account, specification: nil, image: nil, noting: world.call(2, id))
        for (phase, message) in [
            (InstanceProgress.Phase.loading, "pulling"), (.failed, "no such image"),
        ] {
            try await tell(world, id, 2, phase, message)
            let instance = try await store.instance(id)
            found.check(instance?.status == .running, "\(phase): the last container runs on")
            found.check(
                instance?.statusMessage?.hasSuffix(message) == true, "\(phase): and it is told")
        }
        guard
            case .wished(let stop) = try await store.wish(
                .stopped, for: id, account: account, noting: world.call(3, id))
        else { return found.list + ["a stop is written down"] }
        let number = stop.instance.wish.number
        try await tell(world, id, number, .failed, "the engine does not answer")
        found.check(
            try await store.instance(id)?.status == .running, "a stop that failed stops nothing")
        report.status = "exited"
        try await store.upsert(report, machine: machine, owner: account)
        found.check(
            try await store.instance(id)?.status == .exited,
            "what becomes of the container that is to be replaced is seen")
        found.check(
            try await store.instance(id)?.statusMessage == "Error: the engine does not answer",
            "and it says nothing of the wish")
        try await tell(world, id, number, .loading, "pulling")
        found.check(
            try await store.instance(id)?.status == .exited,
            "who waits for it to be stopped sees it")
        guard
            case .wished(let start) = try await store.wish(
                .running, for: id, account: account, noting: world.call(3.5, id))
        else { return found.list + ["a start is written down"] }
        try await tell(world, id, start.instance.wish.number, .loading, "pulling")
        found.check(
            try await store.instance(id)?.status == .loading, "who waits for it to run does not")
        // The successor is there, and the one before it no more.
        var next = report
        (next.containerID, next.generation, next.status) = ("c2", 2, "created")
        try await store.upsert(next, machine: machine, owner: account)
        try await store.upsert(report, machine: machine, owner: account)
        try await store.remove(containerID: "c1", machine: machine, at: 4)
        let instance = try await store.instance(id)
        found.check(
            instance?.containerID == "c2" && instance?.status == .created, "the second is it")
        return found.list
    }

    func failureThatStays() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        var (id, report) = try await running(world)
        let (account, machine) = (world.account.id, world.machine.id)
        (report.status, report.statusMessage) = ("exited", "exited with status 3")
        try await store.upsert(report, machine: machine, owner: account)
        found.check(
            try await store.instance(id)?.statusMessage == "exited with status 3",
            "how it ended is told")
        guard
            case .wished(let start) = try await store.wish(
                .running, for: id, account: account, noting: world.call(2, id))
        else { return found.list + ["a start is written down"] }
        let number = start.instance.wish.number
        try await tell(world, id, number, .loading, "to be tried again")
        report.statusMessage = "Error: no GPU, said the engine"
        try await store.upsert(report, machine: machine, owner: account)
        found.check(
            try await store.instance(id)?.statusMessage == "to be tried again",
            "what the engine could not do may be tried again")
        try await tell(world, id, number, .failed, "no GPU")
        try await store.upsert(report, machine: machine, owner: account)
        found.check(
            try await store.instance(id)?.statusMessage == "Error: no GPU",
            "the container as it was before is no news")
        (report.status, report.statusMessage) = ("running", nil)
        try await store.upsert(report, machine: machine, owner: account)
        found.check(
            try await store.instance(id)?.statusMessage == nil, "what was wished is seen")
        try await tell(world, id, number, .failed, "no GPU")
        try await tell(world, id, number, .done)
        found.check(
            try await store.instance(id)?.statusMessage == nil, "or the wish is carried out")
        return found.list
    }

    func betweenContainers() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let (id, _) = try await running(world)
        let (account, machine) = (world.account.id, world.machine.id)
        let renewed = try await store.renew(
            id, account: account, specification: nil, image: nil, noting: world.call(2, id))
        found.check(
            try await store.remove(containerID: "c1", machine: machine, at: 3) == nil,
            "it is not gone")
        var instance = try await store.instance(id)
        found.check(
            instance?.containerID == nil && instance?.status == .loading,
            "without a container nothing runs")
        let number = renewed?.instance.wish.number ?? 0
        try await tell(world, id, number, .failed, "no such image")
        instance = try await store.instance(id)
        found.check(
            instance?.status == .exited && instance?.statusMessage == "Error: no such image",
            "and none may come")
        return found.list
    }

    func numbersOfOthers() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let (account, machine) = (world.account.id, world.machine.id)
        let last = world.instance.id
        var reports: [(report: InstanceReport, owner: Account.ID)] = []
        for number in [last + 3, last + 1] {
            var report = InstanceReport.sample("n\(number)")
            (report.instanceID, report.generation) = (number, 1)
            reports.append((report, account))
        }
        try await store.replaceAll(machine: machine, with: reports, at: 2)
        let adopted = try await store.instances(account: account).map(\.id)
        found.check(
            adopted.count == 2 && adopted.allSatisfy { $0 > last + 3 },
            "those that are adopted bear none of their numbers")
        let (id, _) = try await running(world)
        found.check(id > last + 3, "nor do those that are made")

        // A machine that lies uses up no more than a part of them.
        var report = InstanceReport.sample("far")
        (report.instanceID, report.generation) = (.max, 1)
        for _ in 0..<3 { try await store.upsert(report, machine: machine, owner: account) }
        let far = try await store.instances(account: account).map(\.id).max() ?? 0
        found.check(far > id && far <= id + 1_000_002, "however great a number it names")
        return found.list
    }
}
