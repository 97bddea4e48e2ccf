package import AgentLink
internal import ControlPlane

extension StoreConformance {
    static var wishChecks: [Check] {
        [
            Check(name: "wishes stand until they are carried out, and machines are never oversold")
            {
                try await $0.wishes()
            },
            Check(name: "containers that are there again, though nobody wished them gone") {
                try await $0.containersThatComeBack()
            },
            Check(name: "what is taken of a machine is reckoned without clipping") {
                try await $0.capacityAtItsEnd()
            },
        ] + statusChecks
    }

    /// Offers, instances made on them, and what is wished of those.
    func wishes() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let account = world.account.id
        let machine = world.machine.id
        found.check(try await store.offers().isEmpty, "a machine that said nothing offers nothing")
        try await store.keep(.sample(slots: 2, diskFreeGB: 25), machine: machine, at: 1)
        let offers = try await store.offers()
        found.check(offers.map(\.gpuCount) == [1, 2], "one GPU, and both")
        try await store.keep(.sample(slots: 2, diskFreeGB: 25), machine: machine, at: 2)
        found.check(try await store.offers().map(\.id) == offers.map(\.id), "ids of offers stay")
        found.check(
            try await refused {
                try await store.create(world.new(offer: 99, "none"), noting: world.call(1))
            } == .offerNotFound, "an offer that is none")

        let before = try await store.auditHead()?.sequence ?? 0
        let first = try await store.create(
            world.new(offer: offers[0].id, "first"), noting: world.call(2)
        ).wish
        found.check(first.specification == Array("first".utf8), "what it is made from is kept")
        found.check(
            first.instance.wish
                == InstanceWish(
                    state: .running, number: 1, generation: 1, isSettled: false), "the first wish")
        found.check(
            try await refused {
                try await store.create(
                    world.new(offer: offers[1].id, "both"), noting: world.call(3))
            } == .noRoom, "a GPU that is taken is not given again")
        found.check(
            try await refused {
                try await store.create(
                    world.new(offer: offers[0].id, "big", diskGB: 18), noting: world.call(3))
            } == .noRoom, "nor is disk")
        let second = try await store.create(
            world.new(offer: offers[0].id, "second", diskGB: 15), noting: world.call(4)
        ).wish
        found.check(
            try await refused {
                try await store.create(
                    world.new(offer: offers[0].id, "third"), noting: world.call(5))
            } == .noRoom, "nor a slot")
        found.check(
            try await store.wishes(machine: machine).map(\.instance.id)
                == [first.instance.id, second.instance.id], "both are to be told")
        let key = try await store.principal(keyDigest: world.digest("first"), at: 1)
        found.check(
            key?.scope.mayDestroy(first.instance.id) == true
                && key?.scope.mayDestroy(second.instance.id) == false, "its own key is for it alone"
        )

        // The machine makes the first.
        let id = first.instance.id
        try await store.progress(
            .init(instanceID: id, number: 1, phase: .loading, message: "pulling"), machine: machine,
            at: 3)
        found.check(try await store.instance(id)?.statusMessage == "pulling", "how far it is")
        var report = InstanceReport.sample("c1")
        (report.instanceID, report.generation) = (id, 1)
        report.environment = [["A", "1"], ["TOKEN", "secret"]]
        try await store.upsert(report, machine: machine, owner: account)
        try await store.progress(
            .init(instanceID: id, number: 1, phase: .done, message: ""), machine: machine, at: 4)
        let made = try await store.instance(id)
        found.check(made?.containerID == "c1" && made?.status == .running, "its container is its")
        found.check(made?.environment == [["A", "1"]], "what is secret is not kept with it")
        found.check(made?.wish.isSettled == true, "the wish is carried out")
        found.check(
            try await store.instances(account: account).count == 2, "and no instance of its own")

        // The machine was started anew: what ran is to run again, once.
        var again = MachineReport.sample(slots: 2, diskFreeGB: 25)
        try await store.keep(again, machine: machine, at: 4)
        found.check(
            try await store.instance(id)?.wish.isSettled == true, "another report is no start")
        again.bootID = "second"
        try await store.keep(again, machine: machine, at: 4)
        found.check(
            try await store.instance(id)?.wish
                == InstanceWish(
                    state: .running, number: 2, generation: 1, isSettled: false), "a start is")
        try await store.progress(
            .init(instanceID: id, number: 2, phase: .done, message: ""), machine: machine, at: 4)

        // Stopped: its GPU is free once the machine says so, and not before.
        guard
            case .wished(let stop) = try await store.wish(
                .stopped, for: id, account: account, noting: world.call(5, id))
        else { return found.list + ["a stop is written down"] }
        found.check(try await store.offers()[0].free.gpus == 0, "it may still run")
        report.status = "exited"
        try await store.upsert(report, machine: machine, owner: account)
        try await store.progress(
            .init(instanceID: id, number: 1, phase: .done, message: ""), machine: machine, at: 6)
        found.check(
            try await store.instance(id)?.wish.isSettled == false, "an answer to an older wish")
        try await store.progress(
            .init(instanceID: id, number: stop.instance.wish.number, phase: .done, message: ""),
            machine: machine, at: 7)
        found.check(try await store.offers()[0].free.gpus == 1, "now its GPU is free")
        found.check(
            try await store.wish(
                .running, for: id, account: account + 1, noting: world.call(8, id)) == .absent,
            "another account has no say")
        found.check(
            try await store.setLabel("x", of: id, account: account, noting: world.call(8.5, id)),
            "it is called something")
        found.check(
            try await !store.setLabel(
                "y", of: id, account: account + 1, noting: world.call(8.7, id)),
            "by its own account alone")

        // A container that is replaced is not the instance's end.
        guard
            let renewed = try await store.renew(
                id, account: account, specification: nil, image: nil,
                noting: world.call(9, id))
        else { return found.list + ["a new container is wished"] }
        found.check(renewed.instance.wish.generation == 2, "the second container")
        try await store.remove(containerID: "c1", machine: machine, at: 9)
        found.check(try await store.instance(id)?.containerID == nil, "between two containers")
        try await store.upsert(report, machine: machine, owner: account)
        found.check(
            try await store.instance(id)?.containerID == nil, "the first says nothing any more")
        (report.containerID, report.generation) = ("c2", 2)
        try await store.replaceAll(machine: machine, with: [(report, account)], at: 10)
        found.check(try await store.instance(id)?.containerID == "c2", "the second is it")

        // Destroyed: gone for its owner at once, and for the machine's room when the machine says so.
        found.check(
            try await store.destruction(of: id, account: account)?.state == Destruction.State.none,
            "nobody has wished its end")
        guard
            case .wished(let end) = try await store.wish(
                .gone, for: id, account: account, noting: world.call(11, id))
        else { return found.list + ["an end is written down"] }
        found.check(
            try await store.wish(.gone, for: id, account: account, noting: world.call(11.5, id))
                == .absent, "no second one")
        found.check(
            try await store.destruction(of: id, account: account)?.state == .pending,
            "it is on its way out")
        found.check(
            try await store.destruction(of: id, account: account + 1) == nil,
            "which is its account's affair")
        found.check(try await store.instance(id, account: account) == nil, "nobody sees it")
        found.check(try await store.isRemoved(id, account: account), "it is known to have been")
        found.check(try await store.offers()[0].free.slots == 0, "its slot is not free yet")
        try await store.progress(
            .init(
                instanceID: id, number: end.instance.wish.number, phase: .gone, message: ""),
            machine: machine, at: 12)
        found.check(try await store.offers()[0].free.slots == 1, "now it is")
        found.check(
            try await store.destruction(of: id, account: account)?.state == .done, "it is gone")
        found.check(
            try await store.principal(keyDigest: world.digest("first"), at: 12) == nil,
            "its own key is nobody's any more")
        found.check(
            try await store.upsert(report, machine: machine, owner: account) == .unwanted(id),
            "a container of it that is there again is unwanted")
        found.check(
            try await refused {
                let last = try await store.create(
                    world.new(offer: offers[0].id, "last"), noting: world.call(13)
                ).wish
                found.check(
                    last.instance.id > second.instance.id, "ids are never given out again")
            } == nil, "there is room for one more")
        // Each call that changed something is in the audit log, as it was given and with its instance; no other is.
        let calls = try await store.auditEntries(after: before, limit: 100).compactMap(\.entry)
            .filter { $0.event == .apiCalled }
        found.check(
            calls.map(\.time) == [2, 4, 5, 8.5, 9, 11, 13], "calls that changed something are noted"
        )
        found.check(
            calls.prefix(3).map(\.instanceID) == [id, second.instance.id, id],
            "with the instances that they made or changed")
        return found.list
    }

    /// An engine that was started without its disk has none of its containers, until it is started with it.
    func containersThatComeBack() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let (account, machine) = (world.account.id, world.machine.id)
        try await store.keep(.sample(slots: 3, diskFreeGB: 50), machine: machine, at: 1)
        let offer = try await store.offers()[0].id
        let id = try await store.create(world.new(offer: offer, "one"), noting: world.call(1))
            .wish.instance.id
        var report = InstanceReport.sample("c1")
        (report.instanceID, report.generation) = (id, 1)
        // At first it was known by its container alone.
        try await store.upsert(.sample("c1"), machine: machine, owner: account)
        try await store.replaceAll(machine: machine, with: [(report, account)], at: 2)
        found.check(
            try await store.instances(account: account).map(\.id) == [id],
            "a container that proves to be an instance's is no instance of its own any more")
        try await store.progress(
            .init(instanceID: id, number: 1, phase: .done, message: ""), machine: machine, at: 2)
        try await store.replaceAll(machine: machine, with: [], at: 3)
        found.check(try await store.instance(id) == nil, "without its container it is gone")
        found.check(
            try await store.principal(keyDigest: world.digest("one"), at: 3) == nil,
            "and its key opens nothing")
        let outcomes = try await store.replaceAll(
            machine: machine, with: [(report, account)], at: 4)
        found.check(outcomes == [.kept], "a container that nobody wished gone is not removed")
        let back = try await store.instance(id)
        found.check(back?.containerID == "c1", "it is its instance's again")
        found.check(back?.wish.state == .running, "and wished as before")
        found.check(
            try await store.principal(keyDigest: world.digest("one"), at: 5) != nil,
            "and so is its key")

        // Meanwhile its container was taken for somebody else's, as it is where nothing is read of its labels.
        try await store.replaceAll(machine: machine, with: [], at: 6)
        try await store.upsert(.sample("c1"), machine: machine, owner: account)
        try await store.replaceAll(machine: machine, with: [(report, account)], at: 7)
        found.check(
            try await store.instances(account: account).map(\.id) == [id],
            "a container is no two instances'")
        let adopted = InstanceReport.sample("x1")
        try await store.upsert(adopted, machine: machine, owner: account)
        found.check(
            try await store.remove(containerID: "x1", machine: machine, at: 8) == nil,
            "what was adopted has left nothing")
        found.check(
            try await store.remove(containerID: "c1", machine: machine, at: 8)?.id == id,
            "what was made may have")
        found.check(
            try await store.remove(containerID: "c1", machine: machine, at: 9) == nil, "once")
        return found.list
    }

    /// Where as much is taken as there is, or more.
    func capacityAtItsEnd() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        let (account, machine) = (world.account.id, world.machine.id)
        let small = MachineReport.sample(slots: 9, diskFreeGB: 60)
        try await store.keep(small, machine: machine, at: 1)
        let offer = try await store.offers()[1]
        found.check(offer.gpuCount == 2, "all GPUs together")
        let first = try await store.create(world.new(offer: offer.id, "a"), noting: world.call(1))
            .wish.instance.id
        guard
            case .wished(let stop) = try await store.wish(
                .stopped, for: first, account: account, noting: world.call(2, first))
        else { return ["a stop is written down"] }
        try await store.progress(
            .init(instanceID: first, number: stop.instance.wish.number, phase: .done, message: ""),
            machine: machine, at: 2)
        _ = try await store.create(world.new(offer: offer.id, "b"), noting: world.call(3))
        // Its own GPUs count while it is made anew; they are not free for that.
        _ = try await store.renew(
            first, account: account, specification: nil, image: nil, noting: world.call(4, first))
        found.check(
            try await store.wish(
                .running, for: first, account: account, noting: world.call(5, first)) == .noRoom,
            "what another has is not given, however much is taken")

        // Whoever writes more than was promised has it from what was free.
        let before = try await store.offers()[0].free.diskGB
        var report = InstanceReport.sample("c1")
        (report.instanceID, report.generation) = (first, 2)
        report.writtenBytes = 500_000_000_000
        try await store.upsert(report, machine: machine, owner: account)
        found.check(
            try await store.offers()[0].free.diskGB <= before + 8.001,
            "what is written beyond the promise makes no room")
        return found.list
    }

    private func refused(_ body: () async throws -> some Any) async throws -> ControlPlaneError
        .Code?
    {
        do {
            _ = try await body()
            return nil
        } catch let error as ControlPlaneError {
            return error.code
        }
    }
}

extension World {
    func new(offer: Offer.ID, _ name: String, diskGB: Double = 8) -> NewInstance {
        NewInstance(
            accountID: account.id, offerID: offer, image: "box", label: nil, state: .running,
            diskGB: diskGB, runtype: "ssh", hiddenNames: ["TOKEN"],
            keyDigest: digest(name),
            order: RepeatableOrder(keyID: key.id, digest: Array(name.utf8), at: 1) { _ in false }
        ) { _, _ in Array(name.utf8) }
    }

    func call(_ time: Double, _ instance: Instance.ID? = nil) -> AuditEntry {
        AuditEntry(time: time, event: .apiCalled, accountID: account.id, instanceID: instance)
    }

    func digest(_ name: String) -> SecretDigest { SecretDigest(of: name) }
}

extension MachineReport {
    /// A machine with two GPUs.
    package static func sample(slots: Int, diskFreeGB: Double) -> MachineReport {
        let gpu = GPU(
            index: 0, uuid: "GPU-1", name: "NVIDIA A100", memoryMiB: 40_960, powerLimit: nil)
        return MachineReport(
            hostname: "m", bootID: "first", engine: "Docker", architecture: "amd64",
            cpuName: "EPYC", cpuCores: 8,
            memoryMB: 32_000, diskGB: 100, diskFreeGB: diskFreeGB, gpus: [gpu, gpu], slots: slots,
            publicAddress: "192.0.2.1")
    }
}
