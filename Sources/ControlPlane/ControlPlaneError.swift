package import CommandPolicy

/// Why a use case did not do what it was asked.
///
/// `APIServer` turns each code into one wire error, in one place; nothing else does.
package struct ControlPlaneError: Error, Sendable, Hashable {
    package var code: Code
    /// For the person who asked; safe to show as it is.
    package var message: String
    /// Why a command was refused, for programs.
    package var denial: Decision.Denial?
    /// Seconds after which the same request may succeed.
    package var retryAfter: Double?

    package init(
        _ code: Code, _ message: String, denial: Decision.Denial? = nil, retryAfter: Double? = nil
    ) {
        self.code = code
        self.message = message
        self.denial = denial
        self.retryAfter = retryAfter
    }

    /// The kind of failure; a struct, so that a new one breaks no `switch`.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        package let description: String

        /// No key, or one that stands for nobody.
        package static let unauthenticated = Code(description: "unauthenticated")
        /// The account is blocked.
        package static let blocked = Code(description: "blocked")
        /// The key may not do that.
        package static let notAuthorized = Code(description: "not_authorized")
        /// There is no such thing, or it is somebody else's: the two are one.
        package static let instanceNotFound = Code(description: "instance_not_found")
        package static let commandNotFound = Code(description: "command_not_found")
        package static let jobNotFound = Code(description: "job_not_found")
        package static let sshKeyNotFound = Code(description: "ssh_key_not_found")
        package static let templateNotFound = Code(description: "template_not_found")
        /// Something that was sealed does not open with this server's key.
        package static let unreadableSecret = Code(description: "unreadable_secret")
        /// No offer has that id, or it is none any more.
        package static let offerNotFound = Code(description: "offer_not_found")
        /// The machine has no room for it now.
        package static let noRoom = Code(description: "no_room")
        /// An argument that no reading of the contract allows.
        package static let invalidArguments = Code(description: "invalid_arguments")
        /// Upstream has it, and this server has not.
        package static let notImplemented = Code(description: "not_implemented")
        /// The policy said no.
        package static let commandRefused = Code(description: "command_refused")
        /// The instance has no file system to reach now.
        package static let instanceNotReady = Code(description: "instance_not_ready")
        /// Too often; see ``ControlPlaneError/retryAfter``.
        package static let tooFrequent = Code(description: "too_frequent")
        /// Too many open commands; nothing was accepted.
        package static let queueFull = Code(description: "queue_full")
        /// The operator has switched it off.
        package static let switchedOff = Code(description: "switched_off")
        /// The key has removed as much today as it may.
        package static let budgetSpent = Code(description: "budget_spent")
        /// The same thing is being done for somebody else just now.
        package static let busy = Code(description: "busy")
        /// Only for commands that have ended.
        package static let commandOpen = Code(description: "command_open")
        /// The idempotency key was used for another order.
        package static let idempotencyMismatch = Code(description: "idempotency_mismatch")
        /// An agent of another link protocol.
        package static let agentOutdated = Code(description: "agent_outdated")
        /// The instance's container is gone for good.
        package static let containerGone = Code(description: "container_gone")
        /// An agent spoke about what is not its own, or said what its bytes do not bear out.
        package static let agentRefused = Code(description: "agent_refused")
    }
}

extension ControlPlaneError: CustomStringConvertible {
    package var description: String { "\(code): \(message)" }
}
