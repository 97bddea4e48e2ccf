import ContainerEngine
import Testing

@testable import Agent

@Suite struct InstanceRetriesTests {
    static let passing = InstanceFailure(EngineError(.unreachable, "nobody is there"))
    static let final = InstanceFailure(EngineError(.impossible, "manifest unknown"))

    @Test func `what may pass is tried again, at longer and longer intervals`() {
        var retries = InstanceRetries()
        let now = ContinuousClock.now
        let pauses = (0..<8).map { _ in
            retries.next(after: Self.passing, at: now)
        }
        #expect(
            pauses
                == [1, 2, 4, 8, 16, 32, 60, 60].map {
                    .again(after: .seconds($0), isLoading: true)
                })
    }

    @Test
    func
        `it is loading for ten minutes from its first failure on, then it has failed and is tried on`()
    {
        var retries = InstanceRetries()
        let start = ContinuousClock.now
        _ = retries.next(after: Self.passing, at: start)
        #expect(
            retries.next(after: Self.passing, at: start + .seconds(599))
                == .again(after: .seconds(2), isLoading: true))
        #expect(!retries.isOverdue)
        #expect(
            retries.next(after: Self.passing, at: start + .seconds(600))
                == .again(after: .seconds(4), isLoading: false))
        #expect(retries.isOverdue)
    }

    @Test func `what does not pass has failed at once, also after failures that might have passed`()
    {
        var retries = InstanceRetries()
        _ = retries.next(after: Self.passing, at: .now)
        #expect(retries.next(after: Self.final, at: .now) == .rest)
        #expect(!retries.isOverdue)
    }
}
