package import AgentLink
internal import ControlPlane

extension StoreConformance {
    static var wishChecks: [Check] {
        [
            Check(name: "wishes stand until they are carried out, and machines are never oversold")
            {
                try await $0.wishes()
            }
        ]
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
            try await refused { try await store.create(world.new(offer: 99, "none")) }
                == .offerNotFound, "an offer that is none")

        let first = try await store.create(world.new(offer: offers[0].id, "first"))
        found.check(first.specification == Array("first".utf8), "what it is made from is kept")
        found.check(
            first.instance.wish
                == InstanceWish(
                    state: .running, number: 1, generation: 1, isSettled: false), "the first wish")
        found.check(
            try await refused { try await store.create(world.new(offer: offers[1].id, "both")) }
                == .noRoom, "a GPU that is taken is not given again")
        found.check(
            try await refused {
                try await store.create(world.new(offer: offers[0].id, "big", diskGB: 18))
            } == .noRoom, "nor is disk")
        let second = try await store.create(world.new(offer: offers[0].id, "second", diskGB: 15))
        found.check(
            try await refused { try await store.create(world.new(offer: offers[0].id, "third")) }
                == .noRoom, "nor a slot")
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
                .stopped, for: id, account: account, at: 5)
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
            try await store.wish(.running, for: id, account: account + 1, at: 8) == .absent,
            "another account has no say")

        // A container that is replaced is not the instance's end.
        guard
            let renewed = try await store.renew(
                id, account: account, specification: nil, image: nil)
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
        guard case .wished(let end) = try await store.wish(.gone, for: id, account: account, at: 11)
        else { return found.list + ["an end is written down"] }
        found.check(try await store.instance(id, account: account) == nil, "nobody sees it")
        found.check(try await store.isRemoved(id, account: account), "it is known to have been")
        found.check(try await store.offers()[0].free.slots == 0, "its slot is not free yet")
        try await store.progress(
            .init(
                instanceID: id, number: end.instance.wish.number, phase: .gone, message: ""),
            machine: machine, at: 12)
        found.check(try await store.offers()[0].free.slots == 1, "now it is")
        found.check(
            try await store.principal(keyDigest: world.digest("first"), at: 12) == nil,
            "its own key is nobody's any more")
        found.check(
            try await store.upsert(report, machine: machine, owner: account) == .unwanted(id),
            "a container of it that is there again is unwanted")
        found.check(
            try await refused {
                let last = try await store.create(world.new(offer: offers[0].id, "last"))
                found.check(
                    last.instance.id > second.instance.id, "ids are never given out again")
            } == nil, "there is room for one more")
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
    fileprivate func new(offer: Offer.ID, _ name: String, diskGB: Double = 8) -> NewInstance {
        NewInstance(
            accountID: account.id, offerID: offer, image: "box", label: nil, state: .running,
            diskGB: diskGB, runtype: "ssh", hiddenNames: ["TOKEN"],
            keyDigest: digest(name), makerKeyID: 1, createdAt: 1
        ) { _, _ in Array(name.utf8) }
    }

    fileprivate func digest(_ name: String) -> SecretDigest { SecretDigest(of: name) }
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
