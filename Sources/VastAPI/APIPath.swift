/// The paths of the wire, each in one place.
///
/// Servers answer with and without the trailing slash and with doubled slashes, and never redirect
/// (contract 0.1).
package enum APIPath {
    package static func execute(instance: Int64) -> String {
        "/api/v0/instances/command/\(instance)/"
    }
    package static func instance(_ id: Int64) -> String { "/api/v0/instances/\(id)/" }
    package static let instances = "/api/v0/instances/"
    package static let instancePages = "/api/v1/instances/"
    package static let currentUser = "/api/v0/users/current/"
    package static let commands = "/api/v0/commands/"
    package static func command(_ id: Int64) -> String { "/api/v0/commands/\(id)/" }
    package static func commandOutput(_ id: Int64) -> String { "/api/v0/commands/\(id)/output" }
    /// `secret` is the capability; nothing else is asked of who holds it.
    package static func result(command id: Int64, secret: String) -> String {
        "/results/\(id)-\(secret)"
    }
}
