internal import ControlPlane
internal import NIOConcurrencyHelpers
internal import VastAPI

/// Absolute URLs for callers, from the configured public address alone: a request's own `Host` is never
/// believed (security.md, P24).
package final class PublicURLs: Sendable {
    private let storage: NIOLockedValueBox<String>

    /// - Parameter base: Scheme, host and, if needed, port and path; a trailing slash is dropped.
    package init(base: String) {
        storage = NIOLockedValueBox(Self.withoutSlash(base))
    }

    /// What all URLs begin with.
    ///
    /// Set again when the port is known at last, before anything is answered.
    package var base: String {
        get { storage.withLockedValue { $0 } }
        set { storage.withLockedValue { $0 = Self.withoutSlash(newValue) } }
    }

    private static func withoutSlash(_ base: String) -> String {
        base.hasSuffix("/") ? String(base.dropLast()) : base
    }

    func result(_ accepted: AcceptedCommand) -> String {
        base + APIPath.result(command: accepted.command.id, secret: accepted.resultSecret.text)
    }

    func status(_ id: Command.ID) -> String { base + APIPath.command(id) }
    func output(_ id: Command.ID) -> String { base + APIPath.commandOutput(id) }
}
