import APIServer
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// Keys that make keys, as the official clients ask for them (contract 7.1).
@Suite struct KeyRouteTests {
    private static let path = "/api/v0/auth/apikeys/"

    private static func order(
        _ permissions: String, name: String = #""ci""#, parameters: String = "null"
    ) -> String {
        #"{"name": \#(name), "permissions": \#(permissions), "key_params": \#(parameters)}"#
    }

    @Test func `a key that was made is bound by its permissions`() async throws {
        try await TestServer.with { server, client in
            let reply = try await client.send(
                .post, Self.path, key: server.key,
                json: Self.order(#"{"api": {"instance_read": {}, "billing_read": {}}}"#))
            #expect(reply.status == .ok)
            let made = try reply.decoded(CreateKeyReply.self)
            #expect(made.success)
            #expect(made.key.utf8.count == 43)
            #expect(reply.text.contains(#""expires_at":null"#))
            #expect(
                made.permissions
                    == .object([
                        "api": .object([
                            "instance_read": .object([:]), "billing_read": .object([:]),
                        ])
                    ]))
            let list = try await client.send(.get, APIPath.instances, key: made.key)
            #expect(list.status == .ok)
            let run = try await client.send(
                .put, APIPath.execute(instance: server.instance), key: made.key,
                json: #"{"command": "ls"}"#)
            #expect(run.status == .forbidden)
            let more = try await client.send(
                .post, Self.path, key: made.key,
                json: Self.order(#"{"api": {"instance_read": {}}}"#))
            #expect(more.status == .forbidden)
        }
    }

    @Test func `the audit log has which key ordered a key, and its end`() async throws {
        try await TestServer.with { server, client in
            let before = try await server.store.auditHead()?.sequence ?? 0
            let made = try await client.send(
                .post, Self.path, key: server.key,
                json: Self.order(#"{"api": {"misc": {}}}"#, name: #""by key 9: x""#)
            ).decoded(CreateKeyReply.self)
            _ = try await client.send(.delete, "\(Self.path)\(made.id)/", key: server.key)
            let entries = try await server.store.auditEntries(after: before, limit: 10)
                .compactMap(\.entry)
            #expect(entries.map(\.event) == [.keyCreated, .keyRevoked])
            #expect(entries.map(\.keyID) == [made.id, made.id])
            #expect(entries.map(\.detail) == ["by key 1: by key 9: x", "by key 1"])
        }
    }

    @Test func `a list of keys has those that may be asked for by their id`() async throws {
        try await TestServer.with { server, client in
            let key = try await server.newKey(
                KeyScope(
                    permissions: KeyPermissions([
                        .userRead: .routes([
                            "api.apikeys.show": IDConstraint(),
                            "api.apikey.show": IDConstraint([.gte: .id(2)]),
                        ])
                    ])))
            _ = try await server.newKey(.agent)
            let list = try await client.send(.get, Self.path, key: key)
            #expect(try list.decoded(KeyListReply.self).apikeys.map(\.id) == [3, 4])
        }
    }

    /// `vastai create api-key --key_params` sends text; the published type is an object.
    @Test(arguments: [#"{"box": INSTANCE}"#, #""{\"box\": INSTANCE}""#])
    func `key_params fill the wildcards`(parameters: String) async throws {
        try await TestServer.with { server, client in
            let permissions = """
                {"api": {"instance_write": {"api.instance.execute":
                    {"constraints": {"id": {"eq": "$box"}}}}}}
                """
            let reply = try await client.send(
                .post, Self.path, key: server.key,
                json: Self.order(
                    permissions,
                    parameters: parameters.replacing("INSTANCE", with: "\(server.instance)")))
            let key = try reply.decoded(CreateKeyReply.self).key
            for (id, status) in [
                (server.instance, HTTPResponse.Status.ok), (server.otherInstance, .notFound),
            ] {
                let run = try await client.send(
                    .put, APIPath.execute(instance: id), key: key, json: #"{"command": "ls"}"#)
                #expect(run.status == status)
            }
        }
    }

    @Test(arguments: [
        (#"{"name": "k"}"#, 400, "missing_permissions"),
        (order("null"), 400, "missing_permissions"),
        (order("{}"), 400, "invalid_permissions"),
        (order(#"{"read": true, "write": false}"#), 400, "invalid_permissions"),
        (order(#"{"api": {"nothing_read": {}}}"#), 400, "invalid_permissions"),
        (order(#"{"api": {"misc": {}}}"#, parameters: "5"), 400, "invalid_permissions"),
        (order(#"{"api": {"misc": {}}}"#, parameters: #""no JSON""#), 400, "invalid_permissions"),
        (
            order(#"{"api": {"misc": {}}}"#, parameters: #"{"ip_whitelist": ["1.2.3.4"]}"#), 400,
            "invalid_permissions"
        ),
        (
            order(#"{"api": {"misc": {}}}"#, parameters: #""{\"a\": 1, \"a\": 2}""#), 400,
            "invalid_permissions"
        ),
        (order(#"{"api": {"misc": {}}}"#, name: "null"), 400, "invalid_args"),
        (order(#"{"api": {"misc": {}}}"#, name: #""""#), 400, "invalid_args"),
        (
            order(#"{"api": {"misc": {}}}"#, name: "\"\(String(repeating: "é", count: 256))\""),
            400, "invalid_args"
        ),
        (#"{"name": "k", "permissions": {"api": {"misc": {}, "misc": {}}}}"#, 483, "invalid_args"),
        ("[]", 483, "invalid_args"),
    ])
    func `what cannot be granted is refused, and nothing is made`(
        body: String, status: Int, error: String
    ) async throws {
        try await TestServer.with { server, client in
            let reply = try await client.send(.post, Self.path, key: server.key, json: body)
            #expect(reply.status.code == status)
            #expect(try reply.decoded(ErrorReply.self).error == error)
            let keys = try await client.send(.get, Self.path, key: server.key)
            #expect(try keys.decoded(KeyListReply.self).apikeys.count == 1)
        }
    }

    @Test func `no key grants more than it has, or lives longer`() async throws {
        try await TestServer.with { server, client in
            let end = WallTime.system.now() + 86_400
            let own = KeyScope(
                permissions: KeyPermissions(.userWrite, .instanceRead), paths: ["/a"],
                writes: false)
            let maker = try await server.newKey(own, expiresAt: end)
            let wide = try await client.send(
                .post, Self.path, key: maker, json: Self.order(#"{"api": {"user_read": {}}}"#))
            #expect(wide.status == .forbidden)
            #expect(
                try wide.decoded(ErrorReply.self).msg
                    == "A key grants no more than it has itself: not the whole user_read permission group."
            )
            let long = try await client.send(
                .post, Self.path, key: maker,
                json: Self.order(#"{"api": {"user_write": {}}, "expires_days": 2}"#))
            #expect(long.status == .forbidden)
            let reply = try await client.send(
                .post, Self.path, key: maker, json: Self.order(#"{"api": {"user_write": {}}}"#))
            let made = try reply.decoded(CreateKeyReply.self)
            #expect(made.expiresAt == end)
            let principal = try await server.parts.authenticator.principal(key: made.key)
            #expect(
                principal.scope
                    == KeyScope(
                        permissions: KeyPermissions(.userWrite), paths: ["/a"], writes: false))
        }
    }

    @Test func `keys are listed without themselves, and only one's own`() async throws {
        try await TestServer.with { server, client in
            _ = try await server.newKey(.agent, expiresAt: 4e9)
            let list = try await client.send(.get, Self.path, key: server.key)
            let rows = try list.decoded(KeyListReply.self).apikeys
            #expect(rows.map(\.permissions).first == .object([:]))
            #expect(
                rows.map(\.permissions).last
                    == .object([
                        "api": .object(["instance_read": .object([:])]), "writes": .bool(false),
                    ]))
            #expect(rows.map(\.expiresAt) == [nil, 4e9])
            #expect(list.text.contains(#""key":null"#))
            #expect(!list.text.contains(server.key))
            for row in rows {
                let one = try await client.send(.get, "\(Self.path)\(row.id)/", key: server.key)
                #expect(try one.decoded(KeyRow.self) == row)
                let others = try await client.send(
                    .get, "\(Self.path)\(row.id)/", key: server.otherKey)
                #expect(others.status == .notFound)
            }
            #expect(
                try await client.send(.get, "\(Self.path)x/", key: server.key).status == .notFound)
        }
    }

    @Test func `a deleted key is of no use, and nobody deletes one that has more`() async throws {
        try await TestServer.with { server, client in
            let narrow = try await server.newKey(
                KeyScope(permissions: KeyPermissions(.userRead, .userWrite)))
            let victim = try await server.newKey(KeyScope(permissions: KeyPermissions(.userRead)))
            let rows = try await client.send(.get, Self.path, key: narrow).decoded(
                KeyListReply.self
            ).apikeys
            let ids = rows.map(\.id)
            #expect(ids.count == 3)
            let refused = try await client.send(.delete, "\(Self.path)\(ids[0])/", key: narrow)
            #expect(refused.status == .forbidden)
            let others = try await client.send(
                .delete, "\(Self.path)\(ids[2])/", key: server.otherKey)
            #expect(others.status == .notFound)
            #expect(try await client.send(.get, APIPath.currentUser, key: victim).status == .ok)

            let done = try await client.send(
                .delete, "\(Self.path)\(ids[2])/", key: narrow, json: "{}")
            #expect(done.status == .ok)
            #expect(try done.decoded(String.self) == "Successfully Deleted API Key")
            #expect(
                try await client.send(.get, APIPath.currentUser, key: victim).status
                    == .unauthorized)
            let again = try await client.send(.delete, "\(Self.path)\(ids[2])/", key: narrow)
            #expect(again.status == .notFound)

            let itself = try await client.send(.delete, "\(Self.path)\(ids[1])/", key: narrow)
            #expect(itself.status == .ok)
            #expect(
                try await client.send(.get, APIPath.currentUser, key: narrow).status
                    == .unauthorized)
            #expect(
                try await client.send(.get, APIPath.currentUser, key: server.key).status == .ok)
        }
    }
}
