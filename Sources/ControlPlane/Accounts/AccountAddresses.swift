package import Logging
internal import NIOConcurrencyHelpers

/// From which addresses an account's keys are used.
///
/// What was noted is remembered, so that only the first request from an address costs a write.
package struct AccountAddresses: Sendable {
    private let store: any AddressStore
    private let noted = NIOLockedValueBox<Set<Noted>>([])
    private let time: WallTime
    private let logger: Logger

    private struct Noted: Hashable {
        var account: Account.ID
        var address: String
    }

    package init(store: any AddressStore, time: WallTime, logger: Logger) {
        self.store = store
        self.time = time
        self.logger = logger
    }

    /// The account's newest addresses, newest first.
    package func addresses(of principal: Principal) async throws -> [SeenAddress] {
        try await store.addresses(account: principal.account.id)
    }

    /// To be called for every request with a right key.
    ///
    /// It never fails: a server whose disk is full still answers.
    package func note(_ address: String, account: Account.ID) async {
        guard !address.isEmpty else { return }
        let entry = Noted(account: account, address: address)
        let isNew = noted.withLockedValue { noted in
            guard !noted.contains(entry) else { return false }
            // Somebody with many addresses costs writes, not memory.
            if noted.count >= Self.maximumRemembered { noted.removeAll() }
            return noted.insert(entry).inserted
        }
        guard isNew else { return }
        do {
            try await store.note(address: address, account: account, at: time.now())
        } catch {
            noted.withLockedValue { _ = $0.remove(entry) }
            logger.warning("an address was not noted", metadata: ["error": "\(error)"])
        }
    }

    /// Upstream's bound (contract 7.3).
    package static let maximumCount = 64

    private static let maximumRemembered = 100_000
}
