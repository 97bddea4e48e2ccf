import ControlPlane
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// Whoever ends an instance, makes another one or logs in to it gets round what binds the key's commands.
@Suite struct BoundKeyTests {
    @Test func `what changes an instance as a whole is known`() {
        #expect(
            Set(AccountRoute.all.filter(\.changesInstances).map { "\($0.method) \($0.path)" }) == [
                "PUT /api/v0/asks/{id}", "POST /api/v0/asks/{id}", "POST /api/v0/asks/bulk",
                "PUT /api/v0/launch_instance", "PUT /api/v0/instances/{id}",
                "DELETE /api/v0/instances/{id}", "PUT /api/v0/instances",
                "DELETE /api/v0/instances", "PUT /api/v0/instances/reboot/{id}",
                "PUT /api/v0/instances/recycle/{id}",
                "PUT /api/v0/instances/update_template/{id}", "POST /api/v0/instances/{id}/ssh",
                "DELETE /api/v0/instances/{id}/ssh/{key}",
            ])
    }

    @Test(arguments: [
        (KeyScope(writes: false), "only reads"),
        (KeyScope(commands: ["vast"]), "is bound to commands"),
        (KeyScope(paths: ["/workspace"]), "is bound to paths"),
        (KeyScope(deletionBudget: DeletionBudget(entries: 1)), "has a deletion budget"),
    ])
    func `a bound key gets none of that, and is told why`(scope: KeyScope, reason: String)
        async throws
    {
        try await TestServer.with { server, client in
            let key = try await server.newKey(scope)
            for route in AccountRoute.all where route.changesInstances {
                let method = try #require(HTTPRequest.Method(rawValue: route.method))
                let path = route.path.replacing("{id}", with: "\(server.instance)")
                    .replacing("{key}", with: "1")
                let refused = try await client.send(method, path, key: key, json: "no JSON")
                #expect(refused.status == .forbidden, "\(method) \(path)")
                #expect(
                    try refused.decoded(ErrorReply.self)
                        == ErrorReply(
                            error: "not_authorized",
                            msg: "Your key \(reason), and so it changes no instance as a whole"))
            }
        }
    }
}
