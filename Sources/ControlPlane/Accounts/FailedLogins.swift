/// Bounds how often one address may be wrong about a key.
///
/// Keys have 256 bits and cannot be guessed; this tells those who try to stop. A right key passes whatever its address did before: many may share a proxy's.
package struct FailedLogins: Sendable {
    private let limiter: RateLimiter<String>

    package static let defaultRate = CallRate(burst: 60, perSecond: 1)

    package init(rate: CallRate = Self.defaultRate) {
        limiter = RateLimiter(rate: rate)
    }

    /// To be called for a key that was wrong.
    ///
    /// - Throws: ``ControlPlaneError/Code/tooFrequent`` when there were too many from that address.
    package func note(from address: String) throws {
        do {
            try limiter.admit(address)
        } catch let error as ControlPlaneError {
            throw ControlPlaneError(
                .tooFrequent, "Too many requests with a wrong key from this address.",
                retryAfter: error.retryAfter)
        }
    }
}
