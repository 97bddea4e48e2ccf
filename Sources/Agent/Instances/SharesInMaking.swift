internal import AgentLink
internal import ContainerEngine
internal import NIOConcurrencyHelpers

/// What containers that are being made have of the machine, which the engine does not list yet.
///
/// Making one takes as long as its image has files where a new volume is mounted: the engine copies them. So others
/// choose their shares meanwhile, and must not choose the same.
final class SharesInMaking: Sendable {
    struct Claim: Sendable {
        let share: InstanceCreation.Share
        fileprivate let id: UInt64
    }

    private struct State {
        var shares: [UInt64: InstanceCreation.Share] = [:]
        var lastID: UInt64 = 0
    }

    private let state = NIOLockedValueBox(State())

    /// Those of now.
    ///
    /// Whoever takes them before he asks the engine for its containers misses none.
    var all: [InstanceCreation.Share] {
        state.withLockedValue { Array($0.shares.values) }
    }

    /// - Returns: What is to be given up, whether the container was made or not.
    func claim(_ share: InstanceCreation.Share) -> Claim {
        state.withLockedValue { state in
            state.lastID += 1
            state.shares[state.lastID] = share
            return Claim(share: share, id: state.lastID)
        }
    }

    func giveUp(_ claim: Claim) {
        state.withLockedValue { $0.shares[claim.id] = nil }
    }
}

extension MachineResources {
    /// Counts what containers will have that are being made: as those have that were made and do not run.
    mutating func add(_ shares: [InstanceCreation.Share]) {
        for share in shares {
            promise(
                gpus: share.gpus.map(\.index),
                ports: share.ports + [share.sshPort].compactMap { $0 })
        }
    }
}
