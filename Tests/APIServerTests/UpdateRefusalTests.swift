import AgentLink
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// What is no update, and whose; and two of them at once.
@Suite struct UpdateRefusalTests {
    @Test(arguments: [
        "{}", #"{"id": 7777, "image": "a"}"#, #"{"id": "x", "image": "a"}"#, #"{"image": "a b"}"#,
        #"{"image": false}"#, #"{"image": "sha256:00"}"#, #"{"image": "a", "recycle": false}"#,
        #"{"image": "a", "disk": 13}"#, #"{"image": "a", "disk": "much"}"#, #"{"disk": 12}"#,
        #"{"env": ["A=1"]}"#, #"{"env": {"-v /etc:/x": "1"}}"#, #"{"env": "--privileged x"}"#,
        #"{"onstart": 7}"#, #"{"args": 7}"#, #"{"image_login": "-u me"}"#,
        #"{"template_hash_id": "00"}"#, #"{"template_id": 4711}"#,
    ])
    func `what cannot be is refused with a reason, and changes nothing`(json: String) async throws {
        try await UpdateInstanceTests.withInstance { server, _, made in
            _ = try await made.order()
            let wish = try await server.store.wish(for: made.id)
            let refused = try await made.send(json)
            #expect(refused.status == .badRequest)
            let reply = try refused.decoded(ErrorReply.self)
            #expect(reply.error == "invalid_args" && reply.success == false && !reply.msg.isEmpty)
            #expect(try await server.store.wish(for: made.id) == wish)
        }
    }

    @Test func `as many ports as there may be, with those that it has`() async throws {
        try await UpdateInstanceTests.withInstance { _, _, made in
            _ = try await made.order()
            func env(_ count: Int) -> String {
                let ports = (1...count).map { #""-p \#(8999 + $0):\#(8999 + $0)": "1""# }
                return #"{"env": {\#(ports.joined(separator: ", "))}}"#
            }
            let refused = try await made.send(env(63))
            #expect(refused.status == .badRequest && refused.text.contains("at most 64 ports"))
            #expect(try await made.updated(env(62)).ports.count == 64)
        }
    }

    @Test func `what Boathook did not make, or is not there, or is another's is 404`() async throws
    {
        try await UpdateInstanceTests.withInstance { server, client, made in
            let bound = try await server.newKey(
                KeyScope(
                    permissions: KeyPermissions([
                        .instanceWrite: .routes([
                            "api.instance.update_template": IDConstraint([.eq: .id(made.id + 1)])
                        ])
                    ])))
            for (id, key) in [
                (server.instance, server.key), (server.otherInstance, server.key),
                (99_999, server.key), (made.id, server.otherKey), (made.id, bound),
            ] {
                for json in [#"{"image": "a"}"#, #"{"id": \#(id), "image": "a"}"#, "{}"] {
                    let reply = try await client.send(
                        .put, APIPath.update(instance: id), key: key, json: json)
                    #expect(reply.status == .notFound, "\(id) \(json)")
                    #expect(
                        try reply.decoded(ErrorReply.self)
                            == ErrorReply(error: "not_found", msg: "Instance not found."))
                }
            }
            for path in ["x", "-1", "1.5"] {
                let reply = try await client.send(
                    .put, "/api/v0/instances/update_template/\(path)/", key: server.key,
                    json: #"{"image": "a"}"#)
                #expect(reply.status == .badRequest)
                #expect(try reply.decoded(ErrorReply.self).error == "missing_id")
            }
            let broken = try await made.send("no JSON")
            #expect(broken.status.code == 483)
            let own = try await made.send(#"{"image": "a"}"#, key: made.ownKey)
            #expect(own.status == .forbidden, "an instance cannot make itself another")
        }
    }

    @Test func `who may not look at it is not shown it, and the log has no secrets`() async throws {
        try await UpdateInstanceTests.withInstance { server, client, made in
            let blind = try await server.newKey(
                KeyScope(
                    permissions: KeyPermissions([
                        .instanceWrite: .routes([
                            "api.instance.update_template": IDConstraint([.eq: .id(made.id)])
                        ])
                    ])))
            let reply = try await made.send(
                #"{"image": "a:2", "env": {"PASSWORD": "hush"}, "onstart": "echo hush", "image_login": "-u me -p hush r"}"#,
                key: blind)
            #expect(reply.text == #"{"success":true}"#)
            let rows = try await client.send(
                .get, "/api/v0/audit_logs/", key: server.key
            ).decoded([AuditLogRow].self)
            let call = try #require(rows.first { $0.event == "api.called" })
            #expect(call.apiRoute == "PUT /api/v0/instances/update_template/{id}")
            #expect(
                call.args == [
                    "image": .string("a:2"), "instance_id": .int(made.id),
                    "changes": .string("env image image_login onstart"),
                ])
            let bodies = try await server.store.auditEntries(after: 0, limit: 100)
                .map { String(decoding: $0.body, as: UTF8.self) }
            #expect(!bodies.contains { $0.contains("hush") })
        }
    }

    @Test func `of two at once, neither is lost`() async throws {
        try await UpdateInstanceTests.withInstance { server, _, made in
            let before = try await made.order()
            let updates = ["image", "onstart"] + (0..<8).map { "port \($0)" }
            try await withThrowingTaskGroup { group in
                for update in updates {
                    let json =
                        update.hasPrefix("port")
                        ? #"{"env": {"-p 100\#(update.suffix(1)):100\#(update.suffix(1))": "1"}}"#
                        : #"{"\#(update)": "new"}"#
                    group.addTask {
                        let reply = try await made.send(json)
                        #expect(reply.status == .ok)
                    }
                }
                try await group.waitForAll()
            }
            let wish = try #require(try await server.store.wish(for: made.id))
            #expect(wish.instance.wish.generation == before.generation + Int64(updates.count))
            // What the machine is told is what is wished by then.
            var last = before
            while last.generation < wish.instance.wish.generation { last = try await made.order() }
            let next = try #require(last.specification)
            #expect(next.image == "new" && next.program == .shell(script: "new"))
            #expect(next.ports.count == 2 + 8)
        }
    }
}
