internal import NIOConcurrencyHelpers

/// Numbers for ``InstanceOrder/sequence``: each is higher than all before it.
final class OrderSequence: Sendable {
    private let last = NIOLockedValueBox<Int64>(0)

    func next() -> Int64 {
        last.withLockedValue { last in
            last += 1
            return last
        }
    }
}
