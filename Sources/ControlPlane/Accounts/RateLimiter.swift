internal import NIOConcurrencyHelpers

/// How fast one caller may go.
package struct CallRate: Sendable, Hashable {
    /// Calls in a row from rest.
    package var burst: Double
    /// Calls a second in the long run.
    package var perSecond: Double

    package init(burst: Double, perSecond: Double) {
        self.burst = burst
        self.perSecond = perSecond
    }

    /// At most one call in `seconds`.
    package static func interval(seconds: Double) -> CallRate {
        CallRate(burst: 1, perSecond: 1 / seconds)
    }
}

/// A token bucket per caller and per kind of call.
///
/// The ordinary rate is one that a person never meets; `vast-strict` has upstream's minimum interval,
/// which is a bucket of one token (contract 0.4).
package final class RateLimiter<Caller: Hashable & Sendable>: Sendable {
    private struct Bucket {
        var tokens: Double
        var updated: ContinuousClock.Instant
    }

    private let rate: CallRate
    private let buckets: NIOLockedValueBox<[Caller: Bucket]> = .init([:])

    package init(rate: CallRate) {
        self.rate = rate
    }

    /// Takes one token.
    ///
    /// - Throws: ``ControlPlaneError/Code/tooFrequent`` with the seconds until there is a token.
    package func admit(_ caller: Caller, at now: ContinuousClock.Instant = .now) throws {
        let wait: Double? = buckets.withLockedValue { buckets in
            if buckets.count > sweepCount { sweep(&buckets, at: now) }
            var bucket = buckets[caller] ?? Bucket(tokens: rate.burst, updated: now)
            bucket.tokens = tokens(of: bucket, at: now)
            bucket.updated = now
            defer { buckets[caller] = bucket }
            guard bucket.tokens >= 1 else { return (1 - bucket.tokens) / rate.perSecond }
            bucket.tokens -= 1
            return nil
        }
        if let wait {
            let threshold = (1 / rate.perSecond * 1000).rounded() / 1000
            throw ControlPlaneError(
                .tooFrequent, "API requests too frequent endpoint threshold=\(threshold)",
                retryAfter: wait)
        }
    }

    private func tokens(of bucket: Bucket, at now: ContinuousClock.Instant) -> Double {
        let elapsed = (now - bucket.updated) / .seconds(1)
        return min(rate.burst, bucket.tokens + elapsed * rate.perSecond)
    }

    /// A full bucket is as good as none; without this, each key ever seen would stay.
    private func sweep(_ buckets: inout [Caller: Bucket], at now: ContinuousClock.Instant) {
        buckets = buckets.filter { tokens(of: $0.value, at: now) < rate.burst }
    }

    /// At so many buckets, the full ones are removed.
    private let sweepCount = 10_000
}
