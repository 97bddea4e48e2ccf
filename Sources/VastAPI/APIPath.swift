/// The paths of the wire, each in one place.
///
/// Servers answer with and without the trailing slash and with doubled slashes, and never redirect
/// (contract 0.1).
package enum APIPath {
    package static func execute(instance: Int64) -> String {
        "/api/v0/instances/command/\(instance)/"
    }
    package static func requestLogs(instance: Int64) -> String {
        "/api/v0/instances/request_logs/\(instance)/"
    }
    package static let scheduledJobs = "/api/v0/commands/schedule_job/"
    package static func scheduledJob(_ id: Int64) -> String {
        "/api/v0/commands/schedule_job/\(id)/"
    }
    package static func instance(_ id: Int64) -> String { "/api/v0/instances/\(id)/" }
    package static func reboot(instance id: Int64) -> String { "/api/v0/instances/reboot/\(id)/" }
    package static func recycle(instance id: Int64) -> String {
        "/api/v0/instances/recycle/\(id)/"
    }
    package static func update(instance id: Int64) -> String {
        "/api/v0/instances/update_template/\(id)/"
    }
    package static func destruction(instance id: Int64) -> String {
        "/api/v0/instances/\(id)/destruction/"
    }
    package static func ask(_ id: Int64) -> String { "/api/v0/asks/\(id)/" }
    package static let bulkAsks = "/api/v0/asks/bulk/"
    package static let launch = "/api/v0/launch_instance/"
    package static let offers = "/api/v0/bundles/"
    package static let machines = "/api/v0/machines/"
    package static func machine(_ id: Int64) -> String { "/api/v0/machines/\(id)/" }
    package static let sshKeys = "/api/v0/ssh/"
    package static func sshKey(_ id: Int64) -> String { "/api/v0/ssh/\(id)/" }
    package static func logins(instance id: Int64) -> String { "/api/v0/instances/\(id)/ssh/" }
    package static func login(instance id: Int64, sshKey: Int64) -> String {
        "/api/v0/instances/\(id)/ssh/\(sshKey)/"
    }
    package static let apiKeys = "/api/v0/auth/apikeys/"
    package static func apiKey(_ id: Int64) -> String { "/api/v0/auth/apikeys/\(id)/" }
    package static let keyReset = "/api/v0/commands/reset_apikey/"
    package static let auditLogs = "/api/v0/audit_logs/"
    package static let addresses = "/api/v0/users/me/ipaddrs"
    package static let copy = "/api/v0/commands/copy_direct/"
    package static let secrets = "/api/v0/secrets/"
    package static let templates = "/api/v0/template/"
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
