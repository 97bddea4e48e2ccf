import APIServer
import ControlPlane
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// How often an account makes and revokes keys (contract 0.4).
@Suite struct KeyRateTests {
    private static let path = "/api/v0/auth/apikeys/"
    private static let order = #"{"name": "x", "permissions": {"api": {"user_write": {}}}}"#

    @Test func `who makes too many keys waits, whichever of the account's keys asks`() async throws
    {
        #expect(KeyAccess.defaultRate == CallRate(burst: 60, perSecond: 1))
        // None comes back meanwhile, however slow the machine is.
        let rate = CallRate(burst: KeyAccess.defaultRate.burst, perSecond: 1 / 86_400)
        try await TestServer.with(keyRate: rate) { server, client in
            let began = ContinuousClock.now
            func make(_ key: String, _ order: String = Self.order) async throws -> TestResponse {
                try await client.send(.post, Self.path, key: key, json: order)
            }
            let more = try await server.newKey(.everything)
            var made: [Int64] = []
            var refused: TestResponse?
            for count in 0..<61 {
                let reply = try await make(count % 2 == 0 ? server.key : more)
                if reply.status == .ok {
                    made.append(try reply.decoded(CreateKeyReply.self).id)
                } else {
                    refused = reply
                }
            }
            #expect(made.count == 60)
            let reply = try #require(refused)
            #expect(reply.status == .tooManyRequests)
            let body = try reply.decoded(ErrorReply.self)
            #expect(body.error == "too_frequent")
            #expect(body.detail == "API requests too frequent endpoint threshold=86400.0")
            // What is left until the next one; less only by the time that the test took.
            let took = (ContinuousClock.now - began) / .seconds(1)
            let wait = try #require(reply.headers[.retryAfter].flatMap { Double($0) })
            #expect(wait <= 86_400 && wait >= (86_400 - took).rounded(.down))
            #expect(try await server.store.keys(account: 1).count == made.count + 2)
            // What could not have been made is refused as ever, and counts for nothing.
            #expect(try await make(server.key, "{}").status == .badRequest)
            // Others, and the other half of the verbs, are not concerned.
            #expect(try await make(server.otherKey).status == .ok)
            let deleted = try await client.send(
                .delete, "\(Self.path)\(made[0])/", key: server.key)
            #expect(deleted.status == .ok)
            let list = try await client.send(.get, Self.path, key: server.key)
            #expect(list.status == .ok)
        }
    }

    @Test func `revoking is counted apart`() async throws {
        try await TestServer.with { server, client in
            let access = KeyAccess(
                accounts: server.store, rate: .interval(seconds: 3600), time: .system)
            let principal = try await server.parts.authenticator.principal(key: server.key)
            let file = try PermissionFile(json: #"{"api": {"misc": {}}}"#.utf8, parameters: [:])
            let made = try await access.make(file, name: "x", as: principal)
            #expect(try await access.revoke(made.key.id, as: principal))
            #expect(try await !access.revoke(made.key.id, as: principal), "it is gone")
            let other = try await server.store.addKey(
                SecretDigest(of: "y"), name: "y", account: 1, at: 1)
            for _ in 0..<2 {
                let error = await #expect(throws: ControlPlaneError.self) {
                    _ = try await access.revoke(other.id, as: principal)
                }
                #expect(error?.code == .tooFrequent)
            }
        }
    }
}
