import APIServer
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// No caller locks an account out (contract 7.1: 400 for the primary key).
@Suite struct LastKeyTests {
    private static func delete(
        _ id: Int64, _ client: any TestClientProtocol, key: String
    ) async throws -> TestResponse {
        try await client.send(.delete, "/api/v0/auth/apikeys/\(id)/", key: key, json: "{}")
    }

    /// The id of the server's first key.
    private static let first: Int64 = 1

    @Test(arguments: ["alone", "narrow", "expired", "an instance's"])
    func `the last key without limits stays`(beside: String) async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            switch beside {
            case "narrow":
                _ = try await server.newKey(.agent)
                _ = try await server.newKey(KeyScope(paths: ["/a"]))
                _ = try await server.newKey(
                    KeyScope(permissions: KeyPermissions(.userRead, .userWrite)))
            case "expired": _ = try await server.newKey(.everything, expiresAt: 2)
            case "an instance's":
                let offer = try #require(
                    try await LifecycleRouteTests.offers(client).first?["id"]?.number)
                let made = try await client.send(
                    .put, APIPath.ask(Int64(offer)), key: server.key, json: #"{"image": "a"}"#)
                #expect(made.status == .ok)
            default: break
            }
            let reply = try await Self.delete(Self.first, client, key: server.key)
            #expect(reply.status == .badRequest)
            let error = try reply.decoded(ErrorReply.self)
            #expect(error.error == "invalid_args")
            #expect(error.msg.contains("only key") && error.msg.contains("admin revoke-key"))
            #expect(
                try await client.send(.get, APIPath.currentUser, key: server.key).status == .ok)
            // Nothing was noted that was not done; the operator's word goes.
            let entries = try await server.store.auditEntries(after: 0, limit: 999)
            #expect(!entries.compactMap(\.entry).contains { $0.event == .keyRevoked })
            #expect(try await server.store.revokeKey(id: Self.first, at: 9))
            #expect(
                try await client.send(.get, APIPath.currentUser, key: server.key).status
                    == .unauthorized)
        }
    }

    @Test func `beside another one it goes, and of two at once one stays`() async throws {
        try await TestServer.with { server, client in
            let other = try await server.newKey(.everything)
            let keys = try await client.send(.get, "/api/v0/auth/apikeys/", key: other)
                .decoded(KeyListReply.self).apikeys.map(\.id)
            #expect(keys.count == 2)
            let statuses = await withTaskGroup(of: Int?.self) { group in
                for (id, key) in zip(keys, [server.key, other]) {
                    group.addTask { try? await Self.delete(id, client, key: key).status.code }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(statuses) == [200, 400])
            let left = try await server.store.keys(
                account: try #require(try await server.store.account(named: "maria")).id)
            #expect(left.count == 1)
        }
    }
}
