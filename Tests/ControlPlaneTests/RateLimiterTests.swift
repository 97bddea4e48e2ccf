import ControlPlane
import Testing

@Suite struct RateLimiterTests {
    @Test func `an interval admits one call in its time and tells how long to wait`() throws {
        let limiter = RateLimiter<Int64>(rate: .interval(seconds: 1.5))
        let start = ContinuousClock.now
        try limiter.admit(1, at: start)
        let error = try #require(throws: ControlPlaneError.self) {
            try limiter.admit(1, at: start + .milliseconds(500))
        }
        #expect(error.code == .tooFrequent)
        #expect(error.message == "API requests too frequent endpoint threshold=1.5")
        #expect(abs((error.retryAfter ?? 0) - 1.0) < 0.001)
        try limiter.admit(2, at: start + .milliseconds(500))  // another key is not held back
        try limiter.admit(1, at: start + .milliseconds(1501))
    }

    @Test func `a burst is admitted, then the rate`() throws {
        let limiter = RateLimiter<Int64>(rate: .init(burst: 3, perSecond: 2))
        let start = ContinuousClock.now
        for _ in 0..<3 { try limiter.admit(1, at: start) }
        #expect(throws: ControlPlaneError.self) { try limiter.admit(1, at: start) }
        try limiter.admit(1, at: start + .milliseconds(501))
        #expect(throws: ControlPlaneError.self) {
            try limiter.admit(1, at: start + .milliseconds(502))
        }
    }
}
