import AgentLink
import Testing

@testable import Agent

@Suite struct InstancePlanTests {
    static func next(
        _ state: InstanceOrder.State, _ found: [InstancePlan.Found], generation: Int64 = 2,
        isMade: Bool = true
    ) -> InstancePlan.Step {
        InstancePlan.next(
            InstanceOrder(
                instanceID: 7, number: 1, containerID: nil, state: state, generation: generation,
                specification: isMade
                    ? ContainerSpecification(image: "debian", diskGB: 8, owner: "") : nil),
            found: found)
    }

    static func found(
        _ id: String, _ status: String, generation: Int64? = 2
    ) -> InstancePlan.Found {
        InstancePlan.Found(id: id, generation: generation, status: status)
    }

    @Test(arguments: [
        ("created", InstancePlan.Step.start("a")), ("exited", .start("a")),
        ("stopped", .start("a")), ("running", .done("a")), ("restarting", .done("a")),
        ("paused", .resume("a")),
    ])
    func `one that is to run is started or resumed`(status: String, step: InstancePlan.Step) {
        #expect(Self.next(.running, [Self.found("a", status)]) == step)
    }

    @Test(arguments: [
        ("created", InstancePlan.Step.done("a")), ("exited", .done("a")), ("running", .stop("a")),
        ("restarting", .stop("a")), ("paused", .resume("a")),
    ])
    func `one that is not to run is stopped`(status: String, step: InstancePlan.Step) {
        #expect(Self.next(.stopped, [Self.found("a", status)]) == step)
    }

    @Test func `without a container one is made, also to be stopped`() {
        #expect(Self.next(.running, []) == .make(replacing: []))
        #expect(Self.next(.stopped, []) == .make(replacing: []))
    }

    @Test func `an older container is replaced, and kept until its successor can be made`() {
        let old = Self.found("old", "running", generation: 1)
        #expect(Self.next(.running, [old]) == .make(replacing: ["old"]))
        #expect(Self.next(.running, [old, Self.found("new", "created")]) == .remove(["old"]))
        #expect(Self.next(.running, [Self.found("new", "created")]) == .start("new"))
    }

    @Test func `a newer one than an old order asks for stays`() {
        #expect(
            Self.next(.running, [Self.found("a", "running", generation: 3)], generation: 2)
                == .done("a"))
    }

    @Test func `one that Boathook did not make is started and stopped, and never made or replaced`()
    {
        let adopted = Self.found("a", "exited", generation: nil)
        #expect(Self.next(.running, [adopted], generation: 0, isMade: false) == .start("a"))
        #expect(Self.next(.stopped, [adopted], generation: 9, isMade: false) == .done("a"))
        guard case .fail(let failure) = Self.next(.running, [], isMade: false) else {
            Issue.record("it was made of nothing")
            return
        }
        #expect(failure.isFinal)
    }

    @Test func `gone is nothing at all`() {
        let all = [Self.found("a", "running"), Self.found("b", "exited", generation: 1)]
        #expect(Self.next(.gone, all) == .remove(["a", "b"]))
        #expect(Self.next(.gone, [Self.found("a", "dead", generation: nil)]) == .remove(["a"]))
        #expect(Self.next(.gone, []) == .gone)
        #expect(Self.next(.gone, [], isMade: false) == .gone)
    }

    @Test func `one that the engine is removing is waited for`() {
        guard case .fail(let failure) = Self.next(.running, [Self.found("a", "removing")]) else {
            Issue.record("it was used")
            return
        }
        #expect(!failure.isFinal)
    }
}
