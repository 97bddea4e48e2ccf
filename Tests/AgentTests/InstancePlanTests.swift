import AgentLink
import ContainerEngine
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

    @Test func `a stop does not wait for the image of a container that is to come`() {
        let running = Self.found("old", "running", generation: 1)
        let ended = Self.found("old", "exited", generation: 1)
        #expect(Self.next(.stopped, [running]) == .stopFormer("old"))
        #expect(
            Self.next(.stopped, [Self.found("old", "paused", generation: 1)]) == .resume("old"))
        #expect(Self.next(.stopped, [ended]) == .make(replacing: ["old"]))
        #expect(Self.next(.running, [ended]) == .make(replacing: ["old"]), "the new one first")
    }

    @Test(
        arguments: [
            (InstanceOrder.State.running, [("a", "exited", 1)], "a"),
            (.running, [("a", "created", 1)], "a"),
            (.running, [("a", "exited", 0), ("b", "exited", 1)], "b"),
            (.running, [("a", "running", 1)], nil), (.running, [("a", "paused", 1)], nil),
            (.running, [("a", "dead", 1)], nil), (.stopped, [("a", "exited", 1)], nil),
            (.running, [("a", "exited", 1), ("b", "created", 2)], nil), (.running, [], nil),
        ] as [(InstanceOrder.State, [(String, String, Int64)], String?)])
    func `the last container runs while the next one cannot be made`(
        state: InstanceOrder.State, containers: [(String, String, Int64)], id: String?
    ) {
        let order = Self.order(7, nil, state, generation: 2, isMade: true)
        let found = containers.map { Self.found($0.0, $0.1, generation: $0.2) }
        #expect(InstancePlan.substitute(order, found: found) == id)
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

    /// Somebody took its container away, and its volumes are to follow; an engine that has it back keeps it.
    @Test func `what is left of a removed one goes, and no container`() {
        let order = InstanceOrder(
            instanceID: 7, number: 0, containerID: nil, state: .gone, generation: 2,
            specification: nil)
        #expect(order.isOfRemoved)
        #expect(InstancePlan.next(order, found: []) == .gone)
        guard case .fail(let failure) = InstancePlan.next(order, found: [Self.found("a", "exited")])
        else {
            Issue.record("a container was removed that nobody wished gone")
            return
        }
        #expect(failure.isFinal)
    }

    static let adopted = AdoptedContainers(.none, agentID: "me")

    static func container(
        _ id: String, instance: Int64, generation: Int64 = 1, agent: String = "me"
    ) -> Container {
        Container(
            id: id, name: id, image: "",
            labels: [
                "boathook.agent": agent, "boathook.instance.id": "\(instance)",
                "boathook.instance.generation": "\(generation)",
            ], environment: [], status: "running", processID: 0, failure: "", createdAt: 0,
            startedAt: nil, storage: .unsupported(driver: ""), mounts: [])
    }

    static func order(
        _ id: Int64, _ containerID: String?, _ state: InstanceOrder.State, generation: Int64,
        isMade: Bool = false
    ) -> InstanceOrder {
        InstanceOrder(
            instanceID: id, number: 1, containerID: containerID, state: state,
            generation: generation,
            specification: isMade
                ? ContainerSpecification(image: "debian", diskGB: 8, owner: "") : nil)
    }

    static let labelled = [
        container("a", instance: 1), container("b", instance: 7),
        container("c", instance: 7, agent: "another"),
    ]

    /// The server's database was replaced: what bears the number 7 is its instance 1 now, and the other way round.
    @Test(arguments: [
        (InstanceOrder.State.gone, InstancePlan.Step.remove(["b"])), (.stopped, .stop("b")),
        (.running, .done("b")),
    ])
    func
        `a container of ours that the server does not know obeys by its own id, and no other one does`(
            state: InstanceOrder.State, step: InstancePlan.Step
        )
    {
        let order = Self.order(1, "b", state, generation: 0)
        let found = Self.adopted.containers(of: order, among: Self.labelled)
        #expect(found.map(\.id) == ["b"])
        #expect(InstancePlan.next(order, found: found) == step)
    }

    @Test func `a wish that is told again, with other keys, is the same`() {
        let wish = Self.order(7, nil, .running, generation: 1, isMade: true)
        var other = wish
        other.authorizedKeys = ["ssh-ed25519 AAAA"]
        #expect(other.wishesTheSame(as: wish))
        for change in [
            { $0.number = 2 }, { $0.state = .stopped }, { $0.generation = 2 },
            { $0.specification = nil },
        ] as [@Sendable (inout InstanceOrder) -> Void] {
            var other = wish
            change(&other)
            #expect(!other.wishesTheSame(as: wish))
        }
    }

    @Test func `what the owner of the machine does not let be adopted is out of reach`() {
        let order = Self.order(1, "c", .gone, generation: 0)
        #expect(Self.adopted.containers(of: order, among: Self.labelled).isEmpty)
    }

    @Test func `what the server made is found by its number, whatever the order names`() {
        let made = Self.order(7, "a", .running, generation: 1, isMade: true)
        #expect(Self.adopted.containers(of: made, among: Self.labelled).map(\.id) == ["b"])
        // Without a specification, as all that are to be gone.
        let gone = Self.order(7, nil, .gone, generation: 1)
        #expect(Self.adopted.containers(of: gone, among: Self.labelled).map(\.id) == ["b"])
    }

    /// An order to remove it says nothing of him, and his are not to hold up those of others.
    @Test func `whose a container is, it says itself`() {
        var container = Self.container("b", instance: 7)
        container.labels[ContainerLabel.owner] = "maria"
        let gone = Self.order(7, nil, .gone, generation: 1)
        #expect(Self.adopted.containers(of: gone, among: [container]).map(\.owner) == ["maria"])
    }

    @Test func `one that the engine is removing is waited for`() {
        guard case .fail(let failure) = Self.next(.running, [Self.found("a", "removing")]) else {
            Issue.record("it was used")
            return
        }
        #expect(!failure.isFinal)
    }
}
