import Testing

@testable import Agent

@Suite struct EngineEndTests {
    static let start = ContinuousClock.now

    /// What is left running by an engine that tells this, second by second, and ends after the last.
    static func containers(
        _ events: [(second: Int, id: String, action: String)], end: Int
    ) -> Set<String> {
        var watch = EngineEnd(running: ["a", "b"])
        for event in events {
            watch.take(event.action, of: event.id, at: start + .seconds(event.second))
        }
        return watch.containers(at: start + .seconds(end))
    }

    @Test func `an engine that ends tells its containers to end before`() {
        let events = [
            (0, "a", "kill"), (0, "b", "kill"), (0, "a", "die"), (10, "b", "kill"),
            (10, "b", "die"),
        ]
        #expect(Self.containers(events, end: 11) == ["a", "b"])
    }

    @Test func `an engine that is killed says nothing`() {
        #expect(Self.containers([], end: 0) == ["a", "b"])
    }

    @Test func `a program that has ended is its own affair`() {
        #expect(Self.containers([(0, "a", "die")], end: 1) == ["b"])
    }

    @Test func `what somebody stopped long before was not the engine's end`() {
        let events = [(0, "a", "kill"), (0, "a", "die"), (0, "b", "kill"), (61, "b", "die")]
        #expect(Self.containers(events, end: 62) == [])
    }

    @Test func `what was started anew runs, and what is gone does not`() {
        let events = [
            (0, "a", "kill"), (0, "a", "die"), (1, "a", "start"), (1, "b", "die"),
            (2, "c", "start"),
        ]
        #expect(Self.containers(events, end: 100) == ["a", "c"])
        #expect(Self.containers(events + [(3, "a", "destroy")], end: 100) == ["c"])
    }
}
