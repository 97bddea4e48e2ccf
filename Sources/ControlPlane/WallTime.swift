internal import FoundationEssentials

/// The time of day in Unix seconds, as a value that tests replace.
///
/// For stamps and expiries; waiting is measured by monotonic clocks.
package struct WallTime: Sendable {
    private let read: @Sendable () -> Double

    package init(_ read: @escaping @Sendable () -> Double) {
        self.read = read
    }

    package func now() -> Double { read() }

    package static let system = WallTime { Date().timeIntervalSince1970 }
}
