import Jail
import Testing

@testable import Agent

@Suite struct StillFilesTests {
    @Test func `a container is changed beside readers, and not beside a writer`() async throws {
        let turns = CommandTurns(concurrency: 2)
        _ = await turns.enqueue("c", writes: false)
        let done = try await turns.withStillFiles(
            of: "c", until: .now + .seconds(3600), wanted: JailCancellation(), insists: false
        ) { true }
        #expect(done)
        _ = await turns.enqueue("d", writes: true)
        await #expect(throws: CommandTurns.Missed.overdue) {
            try await turns.withStillFiles(
                of: "d", until: .now + .milliseconds(20), wanted: JailCancellation(),
                insists: false
            ) { Issue.record("a writer was at work") }
        }
    }

    @Test func `what must be is done at the deadline, beside a writer`() async throws {
        let turns = CommandTurns(concurrency: 2)
        _ = await turns.enqueue("c", writes: true)
        let done = try await turns.withStillFiles(
            of: "c", until: .now + .milliseconds(20), wanted: JailCancellation(), insists: true
        ) { true }
        #expect(done)
    }

    @Test func `another wish ends the wait, and nobody waits for who has left`() async throws {
        let turns = CommandTurns(concurrency: 2)
        let wanted = JailCancellation()
        let writer = await turns.enqueue("c", writes: true)
        wanted.cancel()
        await #expect(throws: CommandTurns.Missed.cancelled) {
            try await turns.withStillFiles(
                of: "c", until: .now + .seconds(3600), wanted: wanted, insists: true
            ) { Issue.record("nobody wished that any more") }
        }
        // The writer that was there has its turn, and so has the next one.
        for place in [writer, await turns.enqueue("e", writes: true)] {
            try await turns.withTurn(
                at: place, account: 1, cancellation: JailCancellation(),
                deadline: .now + .seconds(3600)
            ) {}
        }
        try await turns.withStillFiles(
            of: "c", until: .now + .seconds(3600), wanted: JailCancellation(), insists: false
        ) {}
    }
}
