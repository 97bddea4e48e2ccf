import ContainerEngine
import Testing

@testable import Agent

/// When nobody knows how an engine's containers are.
@Suite struct EngineHealthTests {
    static let start = ContinuousClock.now

    @Test func `an engine is away when its stream broke and no other can be opened`() {
        var health = EngineHealth()
        let changes = [0, 100, 300, 2000].map {
            health.streamBroke(at: Self.start + .milliseconds($0))
        }
        #expect(
            changes == [false, false, true, false], "it may be back at once, and it is told once")
        #expect(health.isAway)
        let isBack = health.streamOpened()
        #expect(isBack && !health.isAway)
        let isAwayAgain = health.streamBroke(at: Self.start + .seconds(9))
        #expect(!isAwayAgain, "the next time is another one")
    }

    @Test(arguments: [
        ("start", true), ("die", true), ("kill", true), ("pause", true), ("destroy", true),
        ("rename", true), ("exec_die", false), ("health_status: healthy", false),
        ("health_status", false), ("oom", false), ("resize", false),
    ])
    func `what a container brings about as often as it likes is not told`(
        action: String, matters: Bool
    ) {
        #expect(Inventory.matters(action) == matters)
    }

    @Test func `an engine that says nothing is away, and one late answer is none`() {
        var health = EngineHealth()
        let changes = [false, true, false, false, false].map { health.wasAsked($0) }
        #expect(changes == [false, false, false, true, false])
        #expect(health.isAway)
        let isBack = health.wasAsked(true)
        #expect(isBack && !health.isAway)
    }

    @Test func `an engine that was started anew has not been asked yet`() {
        var health = EngineHealth()
        let changes = [
            health.streamBroke(at: Self.start), health.wasAsked(false), health.wasAsked(false),
            health.streamBroke(at: Self.start + .seconds(1)), health.streamOpened(),
        ]
        #expect(changes == [false, false, true, false, true])
        #expect(!health.isAway)
    }

    @Test func `an owner is told that the engine is away, and not where it would be`() {
        let error = EngineError(.unreachable, "/run/x.sock: connect(descriptor:addr:size:)")
        for failure in [InstanceFailure(error), InstanceFailure(SomethingElse())] {
            #expect(!failure.message.contains("connect"))
            #expect(failure.cause.contains("connect"))
        }
        #expect(InstanceFailure(error).message == "the container engine does not answer")
        #expect(!InstanceFailure(error).isFinal)
    }

    struct SomethingElse: Error, CustomStringConvertible {
        var description: String { "connect: no such file" }
    }
}
