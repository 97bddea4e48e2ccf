/// How much of a machine can be reached.
package enum MachineReach: Sendable, Hashable {
    /// Its link is not open.
    case none
    /// It is, and its container engine does not answer: nobody knows how its containers are.
    case withoutEngine
    case full
}
