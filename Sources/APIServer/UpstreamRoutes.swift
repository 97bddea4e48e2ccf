internal import HTTPTypes
internal import Hummingbird
internal import VastAPI

/// What upstream's API has and Boathook does not do: 501, in words, where a client would else guess at a 404.
///
/// One table, by what the routes are for. A path is below `/api/v0/` unless it begins with `v1/`; a part in braces stands
/// for any.
package enum UpstreamRoutes {
    /// The answer to a request that no route has taken.
    static func answer(to request: Request) -> WireError {
        let path = request.uri.path.split(separator: "/")
        guard path.count > 2, path[0] == "api",
            let entry = table.first(where: { $0.matches(request.method, path.dropFirst()) })
        else { return .notFound }
        return entry.answer
    }

    /// The answer to a request whose route has taken one of upstream's words for an id, as `instances/{id}` does with
    /// `instances/accept-price-increase`; nil for any other.
    static func answer(to request: Request, takenBy route: String) -> WireError? {
        guard route.utf8.contains(UInt8(ascii: "{")) else { return nil }
        let path = request.uri.path.split(separator: "/")
        let parts = route.split(separator: "/").dropFirst()
        return table.first { entry in
            entry.matches(request.method, path.dropFirst())
                && zip(entry.parts, parts).contains { $0.first != "{" && $1.first == "{" }
        }?.answer
    }

    /// Every entry, for tests: method and path as the router describes paths.
    package static var all: [(method: String, path: String)] {
        table.map { entry in
            (entry.method.rawValue, "/api/" + entry.parts.joined(separator: "/"))
        }
    }

    private struct Entry {
        var method: HTTPRequest.Method
        var parts: [Substring]
        var what: String

        var answer: WireError {
            WireError(
                status: .notImplemented,
                reply: ErrorReply(
                    error: "not_implemented", msg: "Boathook does not do this: it has no \(what)."))
        }

        func matches(_ method: HTTPRequest.Method, _ path: ArraySlice<Substring>) -> Bool {
            method == self.method && path.count == parts.count
                && zip(parts, path).allSatisfy { $0 == $1 || $0.first == "{" }
        }
    }

    private static let table: [Entry] = groups.flatMap { what, routes in
        routes.compactMap { route -> Entry? in
            let words = route.split(separator: " ")
            guard words.count == 2, let method = HTTPRequest.Method(rawValue: String(words[0]))
            else { preconditionFailure("\(route) is no method and path") }
            let path = words[1].hasPrefix("v1/") ? String(words[1]) : "v0/" + words[1]
            return Entry(
                method: method, parts: path.split(separator: "/").map { Substring($0) }, what: what)
        }
    }

    private static let groups: [(what: String, routes: [String])] = [
        (
            "two-factor authentication",
            [
                "POST tfa", "DELETE tfa", "POST tfa/authorize-new-method",
                "PUT tfa/authorize-new-method", "POST tfa/confirm-new", "POST tfa/email",
                "PUT tfa/regen-backup-codes", "POST tfa/resend", "POST tfa/sms",
                "POST tfa/sms/resend", "POST tfa/test", "POST tfa/test-submit",
                "POST tfa/totp-setup", "PUT tfa/update",
            ]
        ),
        (
            "accounts that callers make or change; see boathook admin",
            [
                "POST users", "PUT users", "PUT users/{id}", "PUT users/current",
                "DELETE users/current", "POST users/current/change-email",
                "POST users/current/password-resets", "POST users/{id}/verify-email",
                "PUT subaccounts/regenerate_keys", "GET users/{id}/settings",
                "GET users/{id}/notification-prefs", "PUT users/{id}/notification-prefs",
                "GET auth/sessions", "DELETE auth/sessions", "GET webhooks", "POST webhooks",
                "PUT webhooks/{id}", "DELETE webhooks/{id}",
            ]
        ),
        (
            "billing",
            [
                "PUT commands/transfer_credit", "GET instances/balance/{id}",
                "PUT instances/prepay/{id}", "PUT instances/bid_price/{id}",
                "PUT instances/accept-price-increase", "PUT instances/reject-price-increase",
                "PUT instances/{id}/accept-price-increase",
                "POST contracts/fetch", "POST users/{id}/credit", "POST users/{id}/credit-pay",
                "GET users/{id}/payment-methods", "POST stripe/payment-intent",
                "POST stripe/attach-payment-method", "GET user/earnings", "GET user/earnings/data",
            ]
        ),
        (
            "teams",
            [
                "POST team", "PUT team", "DELETE team", "POST team/invite", "GET team/apikeys",
                "GET team/balances", "DELETE team/members/{id}", "POST team/members/{id}/roles",
                "PUT team/members/{id}/roles", "DELETE team/members/{id}/roles", "GET team/roles",
                "POST team/roles", "GET team/roles/{id}", "PUT team/roles/{id}",
                "DELETE team/roles/{id}", "GET team/sessions", "PUT team/transfer",
            ]
        ),
        (
            "lists of templates by user",
            [
                "GET template/recent", "GET users/{id}/templates", "POST users/{id}/templates",
                "DELETE users/{id}/templates", "GET users/{id}/created-templates",
            ]
        ),
        (
            "serverless endpoints",
            [
                "POST endptjobs", "GET endptjobs/{id}", "PUT endptjobs/{id}",
                "DELETE endptjobs/{id}", "POST autojobs", "PUT autojobs/{id}",
                "DELETE autojobs/{id}", "POST workergroups", "PUT workergroups/{id}",
                "DELETE workergroups/{id}", "GET deployment/{id}", "DELETE deployment/{id}",
                "GET deployment/{id}/versions", "GET deployment/{id}/download_url",
                "POST deployment/{id}/start", "POST deployment/{id}/stop",
                "POST deployment/{id}/heartbeat", "PUT deployments",
                "DELETE deployments", "GET serverless/endpoints/spend",
                "GET serverless/workergroups/spend",
            ]
        ),
        (
            "volumes or backups for rent",
            [
                "POST volumes", "PUT volumes", "DELETE volumes", "POST volumes/copy",
                "POST volumes/unlist", "POST network_volumes", "PUT network_volumes",
                "POST network_volumes/unlist", "POST network_disk", "GET network_disks",
                "PUT network_disks", "GET instance_backups/{id}/download",
                "POST instances/take_snapshot/{id}",
            ]
        ),
        (
            "cloud storage",
            [
                "POST commands/rclone", "DELETE commands/rclone", "GET users/cloud",
                "POST users/cloud", "DELETE users/cloud",
            ]
        ),
        (
            "clusters or networks between machines",
            [
                "POST cluster", "PUT cluster", "DELETE cluster", "DELETE cluster/remove_machine",
                "PUT cluster/worker_token", "POST overlay", "PUT overlay", "DELETE overlay",
                "PUT search/clusters",
            ]
        ),
        (
            "marketplace for machines; a machine's owner sets its price and its slots in the agent's settings",
            [
                "POST machines", "PUT machines", "PUT machines/create_asks",
                "PUT machines/create_bids", "PUT machines/defrag_offers",
                "DELETE machines/{id}/asks", "DELETE machines/{id}/defjob",
                "PUT machines/{id}/cancel_maint", "PUT machines/{id}/cleanup",
                "PUT machines/{id}/dnotify", "POST machines/{id}/force_delete",
                "PUT machines/{id}/minbid", "PUT machines/{id}/report",
                "GET machines/{id}/reports", "POST machines/maintenances",
                "DELETE machines/maintenances", "GET metrics/gpu/current",
                "GET metrics/gpu/history", "GET metrics/gpu/locations", "POST benchmarks",
                "PUT benchmarks",
            ]
        ),
    ]
}
