import ControlPlane
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(3))) struct SharedReadingTests {
    private struct Counts {
        var begun = 0
        var atWork = 0
        var mostAtWork = 0
        var asked = 0
    }

    private struct Broken: Error {}

    @Test func `one reading at a time, none older than its question, and few for many`()
        async throws
    {
        let counts = NIOLockedValueBox(Counts())
        let (allAsked, letGo) = AsyncStream.makeStream(of: Void.self)
        let callers = 200
        let reading = SharedReading {
            let number = counts.withLockedValue { counts in
                counts.begun += 1
                counts.atWork += 1
                counts.mostAtWork = max(counts.mostAtWork, counts.atWork)
                return counts.begun
            }
            // The first one is under way until all have asked.
            for await _ in allAsked {}
            await Task.yield()
            counts.withLockedValue { $0.atWork -= 1 }
            return number
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<callers {
                group.addTask {
                    let begun = counts.withLockedValue { counts in
                        counts.asked += 1
                        if counts.asked == callers { letGo.finish() }
                        return counts.begun
                    }
                    let number = try await reading.value()
                    #expect(number > begun)
                }
            }
            try await group.waitForAll()
        }
        let end = counts.withLockedValue { $0 }
        #expect(end.mostAtWork == 1)
        #expect(end.begun < callers / 2, "\(end.begun)")
    }

    @Test func `who asks after one has ended gets a new one, also after one that failed`()
        async throws
    {
        let count = NIOLockedValueBox(0)
        let reading = SharedReading {
            let number = count.withLockedValue { count in
                count += 1
                return count
            }
            if number == 3 { throw Broken() }
            return number
        }
        #expect(try await reading.value() == 1)
        #expect(try await reading.value() == 2)
        await #expect(throws: Broken.self) { try await reading.value() }
        #expect(try await reading.value() == 4)
    }
}
