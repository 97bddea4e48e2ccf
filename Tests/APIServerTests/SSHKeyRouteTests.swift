import APIServer
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// SSH keys, as the official clients send and read them (contract 6).
@Suite struct SSHKeyRouteTests {
    private static let path = "/api/v0/ssh/"
    private static let one =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILFzvDqyC/voTlZ4BA1f6o737NDM0kfeuOnriqEuFvgN"
    private static let two =
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBErl5aRXqwj6vmXfuZokV1UMb78ZHfV6GWllnck8fwcw1NAEMndXdTjYVL8M4ch9HfQp5WXp8bH51IxDNUCJgo0= maria"

    private static func body(_ key: String) -> String { #"{"ssh_key": "\#(key)"}"# }

    private static func instance(_ id: Int64) -> String { "/api/v0/instances/\(id)/ssh/" }

    @Test func `keys are made, listed, replaced and deleted`() async throws {
        try await TestServer.with { server, client in
            let made = try await client.send(
                .post, Self.path, key: server.key, json: Self.body(Self.one + #"\n"#))
            #expect(made.status == .ok)
            let row = try made.decoded(SSHKeyReply.self).key
            #expect(row.publicKey == Self.one && row.id > 0)
            #expect(
                made.text.contains(#""deleted_at":null"#) && made.text.contains(#""key":"ssh-"#))
            #expect(row.createdAt.contains(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/))
            let twice = try await client.send(
                .post, Self.path, key: server.key, json: Self.body(Self.one + " other"))
            #expect(twice.status == .badRequest)
            #expect(
                try twice.decoded(ErrorReply.self).msg
                    == "The SSH key already exists on this account")

            let put = try await client.send(
                .put, "\(Self.path)\(row.id)/", key: server.key,
                json: #"{"id": \#(row.id), "ssh_key": "\#(Self.two)"}"#)
            #expect(try put.decoded(SSHKeyReply.self).key.publicKey == Self.two)
            let list = try await client.send(.get, Self.path, key: server.key)
            #expect(try list.decoded([SSHKeyRow].self).map(\.publicKey) == [Self.two])
            let user = try await client.send(.get, APIPath.currentUser, key: server.key)
            #expect(try user.decoded(UserReply.self).sshKey == Self.two)

            // Another account has none, and changes none.
            let none = try await client.send(.get, Self.path, key: server.otherKey)
            #expect(none.text == "[]")
            for id in ["\(row.id)", "987654321", "x", "01"] {
                let path = "\(Self.path)\(id)/"
                let others = try await client.send(
                    .put, path, key: server.otherKey, json: Self.body(Self.one))
                #expect(others.status == .notFound)
                #expect(try others.decoded(ErrorReply.self).error == "not_found")
                let gone = try await client.send(.delete, path, key: server.otherKey, json: "{}")
                #expect(gone.status == .badRequest)
                #expect(try gone.decoded(ErrorReply.self).error == "no_ssh_key")
            }
            let deleted = try await client.send(
                .delete, "\(Self.path)\(row.id)/", key: server.key, json: "{}")
            #expect(deleted.text == #"{"success":true}"#)
            #expect(try await client.send(.get, Self.path, key: server.key).text == "[]")
        }
    }

    @Test(arguments: [
        ("{}", "no_ssh_key", "No ssh key provided"),
        (#"{"ssh_key": null}"#, "no_ssh_key", "No ssh key provided"),
        (#"{"ssh_key": 5}"#, "no_ssh_key", "No ssh key provided"),
        (body("/root/.ssh/id_ed25519.pub"), "invalid_args", "looks like a path"),
        (body(#"-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0"#), "invalid_args", "private key"),
        (body(one + #"\n"# + two), "invalid_args", "one line"),
    ])
    func `what is no key is refused everywhere, with a hint`(
        body: String, error: String, hint: String
    ) async throws {
        try await TestServer.with { server, client in
            for (method, path) in [
                (HTTPRequest.Method.post, Self.path), (.put, "\(Self.path)1/"),
                (.post, Self.instance(server.instance)),
            ] {
                let reply = try await client.send(method, path, key: server.key, json: body)
                #expect(reply.status == .badRequest)
                let said = try reply.decoded(ErrorReply.self)
                #expect(said.error == error && said.msg.contains(hint))
                #expect(!reply.text.contains("c2VjcmV0"))
            }
        }
    }

    @Test func `an instance has the account's keys and its own`() async throws {
        try await TestServer.with { server, client in
            let path = Self.instance(server.instance)
            func keys() async throws -> [SSHKeyRow] {
                let reply = try await client.send(.get, path, key: server.key)
                let text = try #require(try reply.decoded(InstanceSSHKeyReply.self).sshKeys)
                let rows = try JSONDecoder().decode([SSHKeyRow].self, from: Data(text.utf8))
                // What is listed is what the machine gets.
                #expect(
                    try await server.store.authorizedKeys(instance: server.instance)
                        == rows.map(\.publicKey))
                return rows
            }
            #expect(try await keys().isEmpty)
            let made = try await client.send(
                .post, Self.path, key: server.key, json: Self.body(Self.one)
            ).decoded(SSHKeyReply.self).key
            let attached = try await client.send(
                .post, path, key: server.key, json: Self.body(Self.two)
            ).decoded(InstanceSSHKeyReply.self)
            #expect(attached.success && attached.msg == "SSH key added to instance.")
            let row = try JSONDecoder().decode(
                SSHKeyRow.self, from: Data(try #require(attached.key).utf8))
            #expect(try await keys() == [made, row])
            let again = try await client.send(
                .post, path, key: server.key, json: Self.body(Self.one))
            #expect(again.status == .ok)
            #expect(try again.decoded(InstanceSSHKeyReply.self).success == false)

            for id in [made.id, row.id] {
                let gone = try await client.send(
                    .delete, "\(path)\(id)/", key: server.key, json: "{}")
                #expect(try gone.decoded(InstanceSSHKeyReply.self).success)
                let absent = try await client.send(.delete, "\(path)\(id)/", key: server.key)
                #expect(absent.status == .notFound)
                #expect(try absent.decoded(ErrorReply.self).error == "no_such_ssh_key")
            }
            #expect(try await keys().isEmpty)
            let list = try await client.send(.get, Self.path, key: server.key)
            #expect(
                try list.decoded([SSHKeyRow].self) == [made], "the account's stay the account's")
        }
    }

    /// Upstream takes the body's `instance_id` before the path's: nobody gets elsewhere with it.
    @Test func `an instance of somebody else is none`() async throws {
        try await TestServer.with { server, client in
            let bound = try await server.newKey(
                KeyScope(
                    permissions: KeyPermissions([
                        .instanceWrite: .routes([
                            "api.instance.ssh.attach": IDConstraint([
                                .eq: .id(server.instance + 1000)
                            ]),
                            "api.instance.execute": IDConstraint(),
                        ])
                    ])))
            for (key, path, id) in [
                (server.key, server.otherInstance, "null"),
                (server.key, server.instance, "\(server.otherInstance)"),
                (server.key, server.instance, "\"\(server.otherInstance)\""),
                (server.key, 987_654_321, "null"),
                (bound, server.instance + 1000, "\(server.instance)"),
                (bound, server.instance, "null"),
            ] {
                let reply = try await client.send(
                    .post, Self.instance(path), key: key,
                    json: #"{"ssh_key": "\#(Self.one)", "instance_id": \#(id)}"#)
                #expect(reply.status == .notFound, "\(path) \(id)")
                #expect(
                    try reply.decoded(ErrorReply.self)
                        == ErrorReply(error: "no_such_instance", msg: "Instance not found."))
            }
            for method in [HTTPRequest.Method.get, .delete] {
                let suffix = method == .get ? "" : "1/"
                let others = try await client.send(
                    method, Self.instance(server.otherInstance) + suffix, key: server.key)
                let absent = try await client.send(
                    method, Self.instance(987_654_321) + suffix, key: server.key)
                #expect(others.status == .notFound && others.text == absent.text)
            }
            #expect(try await server.store.authorizedKeys(instance: server.instance).isEmpty)
            #expect(try await server.store.authorizedKeys(instance: server.otherInstance).isEmpty)
            let reply = try await client.send(
                .post, Self.instance(987_654_321), key: server.key,
                json: #"{"ssh_key": "\#(Self.one)", "instance_id": \#(server.instance)}"#)
            #expect(try reply.decoded(InstanceSSHKeyReply.self).success)
            #expect(
                try await server.store.authorizedKeys(instance: server.instance) == [Self.one])
        }
    }

    /// Who logs in is past every policy, path and budget: a key gives no login that goes beyond itself.
    @Test func `a bound key lets nobody log in`() async throws {
        try await TestServer.with { server, client in
            let owned = KeyPermissions(.userWrite, .instanceWrite)
            let elsewhere = KeyPermissions([
                .userWrite: .whole,
                .instanceWrite: .routes([
                    "api.instance.ssh.attach": IDConstraint(),
                    "api.instance.execute": IDConstraint([.gte: .id(server.instance + 1)]),
                ]),
            ])
            let scopes = [
                KeyScope(permissions: owned, commands: ["vast"]),
                KeyScope(permissions: owned, paths: ["/workspace"]),
                KeyScope(permissions: owned, writes: false),
                KeyScope(permissions: owned, deletionBudget: DeletionBudget(entries: 5)),
                KeyScope(paths: ["/workspace"]), KeyScope(permissions: elsewhere),
                KeyScope(permissions: KeyPermissions(.userWrite, .instanceRead)),
            ]
            let made = try await client.send(
                .post, Self.path, key: server.key, json: Self.body(Self.two)
            ).decoded(SSHKeyReply.self).key
            for scope in scopes {
                let key = try await server.newKey(scope)
                for (method, path) in [
                    (HTTPRequest.Method.post, Self.path), (.put, "\(Self.path)\(made.id)/"),
                    (.post, Self.instance(server.instance)),
                ] {
                    let reply = try await client.send(
                        method, path, key: key, json: Self.body(Self.one))
                    #expect(reply.status == .forbidden, "\(scope) \(method) \(path)")
                    #expect(try reply.decoded(ErrorReply.self).error == "not_authorized")
                }
            }
            #expect(
                try await server.store.authorizedKeys(instance: server.instance) == [Self.two])
            let free = try await server.newKey(KeyScope(permissions: owned))
            let added = try await client.send(
                .post, Self.path, key: free, json: Self.body(Self.one))
            #expect(added.status == .ok)
            let reader = try await server.newKey(
                KeyScope(permissions: KeyPermissions(.userWrite), writes: false))
            let kept = try await client.send(.delete, "\(Self.path)\(made.id)/", key: reader)
            #expect(kept.status == .forbidden)
        }
    }

    @Test func `the audit log has whose keys came and went`() async throws {
        try await TestServer.with { server, client in
            let before = try await server.store.auditHead()?.sequence ?? 0
            let made = try await client.send(
                .post, Self.path, key: server.key, json: Self.body(Self.one)
            ).decoded(SSHKeyReply.self).key
            _ = try await client.send(.post, Self.path, key: server.key, json: Self.body(Self.one))
            _ = try await client.send(
                .delete, "\(Self.instance(server.instance))\(made.id)/", key: server.key)
            _ = try await client.send(.delete, "\(Self.path)\(made.id)/", key: server.key)
            let entries = try await server.store.auditEntries(after: before, limit: 10)
                .compactMap(\.entry)
            #expect(entries.map(\.event) == [.apiCalled, .apiCalled, .apiCalled])
            #expect(
                entries.map(\.route) == [
                    "POST /api/v0/ssh", "DELETE /api/v0/instances/{id}/ssh/{key}",
                    "DELETE /api/v0/ssh/{id}",
                ])
            #expect(entries.map(\.instanceID) == [nil, server.instance, nil])
            for entry in entries {
                #expect(
                    entry.arguments == [
                        "ssh_key_id": "\(made.id)",
                        "fingerprint": "SHA256:Riqpc0+4GzV+OFuGFb4JF9wynFT6jJPbBpqVo8dx+jc",
                    ])
            }
        }
    }
}
