internal import AgentLink
internal import ControlPlane

extension StoreConformance {
    static var creationChecks: [Check] {
        [
            Check(name: "an order to make an instance that comes again makes nothing") {
                try await $0.repeatedCreations()
            },
            Check(name: "equal orders make one instance each, unless an answer was lost") {
                try await $0.equalCreations()
            },
        ]
    }

    /// By its name.
    func repeatedCreations() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        var order = try await creation(world)
        order.order.idempotencyKey = "k"
        let first = try await create(world, order, at: 1)
        found.check(first.isNew, "the first time it is new")
        try await store.noteAnswered([first.wish.instance.id])
        let again = try await create(world, order, at: 2)
        found.check(again.wish == first.wish && !again.isNew, "the second time it is not")
        found.check(
            try await store.instanceMade(by: order.order, noting: world.call(3)) == first.wish,
            "what it made is known without an offer")

        var other = order
        other.order.part = 1
        let part = try await create(world, other, at: 4)
        found.check(part.isNew, "another part of the call is another instance")
        other = order
        other.order.keyID = try await store.addKey(
            Secret().digest, name: "other", account: world.account.id, at: 1
        ).id
        found.check(
            try await create(world, other, at: 5).isNew, "of another key it is new")
        other = order
        other.order.digest = [9]
        do {
            _ = try await create(world, other, at: 6)
            found.check(false, "one name is one order")
        } catch let error as ControlPlaneError {
            found.check(error.code == .idempotencyMismatch, "and that is said")
        }

        _ = try await store.wish(
            .gone, for: first.wish.instance.id, account: world.account.id,
            noting: world.call(7, first.wish.instance.id))
        try await store.progress(
            .init(instanceID: first.wish.instance.id, number: 2, phase: .gone, message: ""),
            machine: world.machine.id, at: 7)
        order.order.at = 86_400
        let late = try await create(world, order, at: 8)
        found.check(
            late.wish.instance.id == first.wish.instance.id && !late.isNew,
            "though it is gone, it was made")
        order.order.at = 86_402
        found.check(
            try await create(world, order, at: 9).isNew,
            "after a day it is another order")
        let notes = try await store.auditEntries(after: 0, limit: 100).compactMap(\.entry)
            .filter { $0.detail == "repeated" }
        found.check(notes.map(\.time) == [2, 3, 8], "what came again is noted as that")
        found.check(
            Set(notes.map(\.instanceID)) == [first.wish.instance.id], "with what it had made")
        return found.list
    }

    /// Without a name.
    func equalCreations() async throws -> [String] {
        var found = Findings()
        let world = try await World(store)
        var order = try await creation(world)
        order.order.isAnswering = { _ in true }
        let first = try await create(world, order, at: 1).wish.instance.id
        found.check(
            try await create(world, order, at: 2).isNew,
            "while its caller is being told, an equal one is another")
        order.order.isAnswering = { $0 != first }
        order.order.at = 10.5
        let again = try await create(world, order, at: 3)
        found.check(
            again.wish.instance.id == first && !again.isNew,
            "when the answer was lost, it is the same")
        found.check(
            try await store.instanceMade(by: order.order, noting: world.call(4))?.instance.id
                == first, "whoever asks")
        try await store.noteAnswered([first])
        let third = try await create(world, order, at: 5)
        found.check(third.isNew, "once the answer is there, it is another")

        order.order.isAnswering = { _ in false }
        var other = order
        other.order.digest = [9]
        found.check(
            try await store.instanceMade(by: other.order, noting: world.call(6)) == nil,
            "one that is not equal is another")
        other = order
        other.order.at = 20.6
        found.check(
            try await store.instanceMade(by: other.order, noting: world.call(6)) == nil,
            "and one that comes later than ten seconds")
        other.order.at = 20.4
        found.check(
            try await store.instanceMade(by: other.order, noting: world.call(7))?.instance.id
                == third.wish.instance.id, "not before")
        _ = try await store.wish(
            .gone, for: third.wish.instance.id, account: world.account.id,
            noting: world.call(8, third.wish.instance.id))
        found.check(
            try await store.instanceMade(by: other.order, noting: world.call(9)) == nil,
            "nobody who orders one means one that was destroyed")
        return found.list
    }

    /// Each call makes a key, as the server does, whether or not it is needed.
    private func create(_ world: World, _ new: NewInstance, at time: Double) async throws -> (
        wish: StoredWish, isNew: Bool
    ) {
        var new = new
        new.keyDigest = Secret().digest
        return try await store.create(new, noting: world.call(time))
    }

    /// One of many for which there is room.
    private func creation(_ world: World) async throws -> NewInstance {
        try await store.keep(.sample(slots: 9, diskFreeGB: 500), machine: world.machine.id, at: 1)
        var new = world.new(offer: try await store.offers()[0].id, "one")
        new.state = .stopped
        return new
    }
}
