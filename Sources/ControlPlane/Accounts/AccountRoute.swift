/// A route that keys of accounts open, and how permissions name it.
///
/// The categories are those of vast-cli's `scripts/data/api_scopes.json`; routes that upstream has not got
/// follow them. Upstream publishes few names of routes; the others here are Boathook's own.
package struct AccountRoute: Sendable, Hashable {
    /// As HTTP spells it.
    package let method: String
    /// As the router describes it: no trailing slash, parameters in braces.
    package let path: String
    package let category: PermissionCategory
    /// The category that opens the route too, for keys that may change nothing.
    package let readersCategory: PermissionCategory?
    /// By which permissions name it; the first is the one that messages use.
    package let names: [String]

    init(
        _ method: String, _ path: String, _ category: PermissionCategory, _ names: String...,
        readers: PermissionCategory? = nil
    ) {
        self.method = method
        self.path = path
        self.category = category
        self.names = names
        readersCategory = readers
    }

    /// Whether a request of it is an order that a machine carries out: such a one is counted, and written down also
    /// when it is refused.
    package var isOrder: Bool { self == .execute || self == .requestLogs }

    /// Whether its path has an id that a key can be bound to.
    package var hasID: Bool { path.utf8.contains(UInt8(ascii: "{")) }

    /// Whether it makes, changes or ends instances: more than any command could do to one.
    package var changesInstances: Bool {
        path == "/api/v0/launch_instance"
            || (method != "GET" && category == .instanceWrite && self != .execute
                && !path.hasPrefix("/api/v0/commands/"))
    }

    /// The categories that open it for a key that may, or may not, change something.
    package func categories(writes: Bool) -> [PermissionCategory] {
        guard !writes, let readersCategory else { return [category] }
        return [category, readersCategory]
    }

    /// The route of a request; nil when it is none of these.
    package static func route(method: String, path: String) -> AccountRoute? {
        byRequest["\(method) \(path)"]
    }

    // Those that are asked for by name, here or elsewhere.
    package static let execute = AccountRoute(
        "PUT", "/api/v0/instances/command/{id}", .instanceWrite, "api.instance.command",
        "api.instance.execute", readers: .instanceRead)
    package static let requestLogs = AccountRoute(
        "PUT", "/api/v0/instances/request_logs/{id}", .instanceRead, "api.instance.request_logs")
    static let showInstance = AccountRoute(
        "GET", "/api/v0/instances/{id}", .instanceRead, "api.instance.show")
    package static let updateInstance = AccountRoute(
        "PUT", "/api/v0/instances/{id}", .instanceWrite, "api.instance.update")
    package static let destroyInstance = AccountRoute(
        "DELETE", "/api/v0/instances/{id}", .instanceWrite, "api.instance.destroy")
    package static let rebootInstance = AccountRoute(
        "PUT", "/api/v0/instances/reboot/{id}", .instanceWrite, "api.instance.reboot")
    package static let recycleInstance = AccountRoute(
        "PUT", "/api/v0/instances/recycle/{id}", .instanceWrite, "api.instance.recycle")
    package static let renewInstance = AccountRoute(
        "PUT", "/api/v0/instances/update_template/{id}", .instanceWrite,
        "api.instance.update_template")
    static let showCommand = AccountRoute(
        "GET", "/api/v0/commands/{id}", .instanceRead, "api.command.show")
    static let showKey = AccountRoute(
        "GET", "/api/v0/auth/apikeys/{id}", .userRead, "api.apikey.show")

    /// Every route behind a key.
    package static let all: [AccountRoute] =
        [
            execute, requestLogs, showInstance, showCommand, showKey,
            AccountRoute("GET", "/api/v0/instances", .instanceRead, "api.instances.show"),
            AccountRoute("GET", "/api/v1/instances", .instanceRead, "api.instances.show"),
            AccountRoute(
                "GET", "/api/v0/instances/filters", .instanceRead, "api.instances.filters"),
            AccountRoute("PUT", "/api/v0/asks/{id}", .instanceWrite, "api.instance.create"),
            AccountRoute("POST", "/api/v0/asks/{id}", .instanceWrite, "api.instance.create"),
            AccountRoute("POST", "/api/v0/asks/bulk", .instanceWrite, "api.instances.create"),
            AccountRoute("PUT", "/api/v0/launch_instance", .misc, "api.instance.launch"),
            updateInstance, destroyInstance,
            AccountRoute("PUT", "/api/v0/instances", .instanceWrite, "api.instances.update"),
            AccountRoute("DELETE", "/api/v0/instances", .instanceWrite, "api.instances.destroy"),
            rebootInstance, recycleInstance, renewInstance,
            AccountRoute(
                "GET", "/api/v0/instances/{id}/destruction", .instanceRead, "api.instance.show"),
            AccountRoute("GET", "/api/v0/machines", .machineRead, "api.machines.show"),
            AccountRoute("GET", "/api/v0/machines/{id}", .machineRead, "api.machine.show"),
            AccountRoute("GET", "/api/v0/commands", .instanceRead, "api.commands.show"),
            AccountRoute(
                "GET", "/api/v0/commands/schedule_job", .instanceRead, "api.scheduled_jobs.show"),
            AccountRoute(
                "POST", "/api/v0/commands/schedule_job", .instanceWrite, "api.scheduled_jobs.create"
            ),
            AccountRoute(
                "PUT", "/api/v0/commands/schedule_job/{id}", .instanceWrite,
                "api.scheduled_job.update"),
            AccountRoute(
                "DELETE", "/api/v0/commands/schedule_job/{id}", .instanceWrite,
                "api.scheduled_job.delete"),
            AccountRoute(
                "GET", "/api/v0/commands/{id}/output", .instanceRead, "api.command.output"),
            AccountRoute("DELETE", "/api/v0/commands/{id}", .instanceWrite, "api.command.cancel"),
            AccountRoute(
                "DELETE", "/api/v0/commands/{id}/output", .instanceWrite,
                "api.command.delete_output"),
            AccountRoute("GET", "/api/v0/users/current", .userRead, "api.user.show"),
            AccountRoute("GET", "/api/v0/auth/apikeys", .userRead, "api.apikeys.show"),
            AccountRoute("POST", "/api/v0/auth/apikeys", .userWrite, "api.apikeys.create"),
            AccountRoute("DELETE", "/api/v0/auth/apikeys/{id}", .userWrite, "api.apikey.delete"),
        ] + ofAccounts + empty

    private static let byRequest = Dictionary(
        uniqueKeysWithValues: all.map { ("\($0.method) \($0.path)", $0) })
}

// What permission files may name.
extension AccountRoute {
    /// The names of routes that a category holds, and of those whether they have an id.
    package static func names(in category: PermissionCategory) -> [String: Bool] {
        byCategory[category] ?? [:]
    }

    /// The names that open a route to keys alone that may change nothing.
    package static func readersNames(in category: PermissionCategory) -> [String] {
        all.filter { $0.readersCategory == category }.flatMap(\.names)
    }

    /// Names that upstream publishes, of routes that are not here: a file that names them is right, and
    /// grants nothing yet.
    private static let published: [(PermissionCategory, String)] = []

    private static let byCategory: [PermissionCategory: [String: Bool]] = {
        var names: [PermissionCategory: [String: Bool]] = [:]
        for (category, name) in published { names[category, default: [:]][name] = true }
        for route in all {
            for category in route.categories(writes: false) {
                for name in route.names { names[category, default: [:]][name] = route.hasID }
            }
        }
        return names
    }()
}
