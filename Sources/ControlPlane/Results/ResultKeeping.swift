/// How much is kept of what commands write, and for how long.
package struct ResultKeeping: Sendable, Hashable {
    /// The most bytes of output of one command; it is killed there, and its result is marked partial.
    package var outputLimit: Int64 = 64 << 20
    /// The most bytes of the disk that all results take; the oldest go first.
    package var totalLimit: Int64 = 10 << 30
    /// Seconds from a command's end for which its record is kept, if its result is gone by then.
    package var recordLifetime = 90 * 86_400.0

    package init() {}
}
