import APIServer
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// What the audit log has of changes to instances (contract 3.5, 4, 7.3).
@Suite struct InstanceAuditTests {
    private static let logs = "/api/v0/audit_logs/"

    /// What the account's keys called, oldest first.
    private static func calls(_ client: any TestClientProtocol, key: String) async throws
        -> [AuditLogRow]
    {
        try await client.send(.get, logs, key: key).decoded([AuditLogRow].self)
            .filter { $0.event == "api.called" }.reversed()
    }

    @Test(arguments: [
        (HTTPRequest.Method.put, "asks/ID/", "PUT /api/v0/asks/{id}"),
        (.post, "asks/ID/", "POST /api/v0/asks/{id}"),
        (.post, "asks/bulk/", "POST /api/v0/asks/bulk"),
        (.put, "launch_instance/", "PUT /api/v0/launch_instance"),
    ])
    func `each way of making an instance is noted, without what is secret`(
        method: HTTPRequest.Method, path: String, route: String
    ) async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            let one = try await LifecycleRouteTests.offers(client, #"{"num_gpus": {"eq": 1}}"#)
            let offer = Int(try #require(one.first?["id"]?.number))
            let made = try await client.send(
                method, "/api/v0/" + path.replacing("ID", with: "\(offer)"), key: server.key,
                json: """
                    {"image": "debian:12", "disk": 10.5, "label": "né", "runtype": "ssh",
                     "onstart": "echo hush", "env": {"TOKEN": "hush"},
                     "image_login": "-u me -p hush registry.example", "q": {"num_gpus": {"eq": 1}},
                     "ids": [\(offer), 99999]}
                    """)
            #expect(made.status == .ok)
            let instances = try await server.store.instances(account: 1)
            let id = try #require(instances.map(\.id).max())
            let calls = try await Self.calls(client, key: server.key)
            #expect(calls.map(\.apiRoute) == [route], "one that was refused is not noted")
            #expect(calls.map(\.apiKeyID) == [1])
            #expect(
                calls.first?.args == [
                    "ask_id": .string("\(offer)"), "image": .string("debian:12"),
                    "disk": .string("10.5"), "label": .string("né"), "runtype": .string("ssh"),
                    "target_state": .string("running"), "instance_id": .int(id),
                ])
            let bodies = try await server.store.auditEntries(after: 0, limit: 100)
                .map { String(decoding: $0.body, as: UTF8.self) }
            #expect(!bodies.contains { $0.contains("hush") })
            #expect(try await Self.calls(client, key: server.otherKey).isEmpty)
        }
    }

    @Test func `each change that was made is noted, and none that was not`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            let offer = Int(
                try #require(
                    try await LifecycleRouteTests.offers(client).first?["id"]?.number))
            let made = try await client.send(
                .put, "/api/v0/asks/\(offer)/", key: server.key, json: #"{"image": "a"}"#
            ).decoded(CreateInstanceReply.self)
            let id = made.newContract
            let ownKey = try await server.parts.authenticator.principal(key: made.instanceKey)
                .keyID
            let adopted = server.instance

            struct Change {
                var method: HTTPRequest.Method
                var path: String
                var json: String
                var key: String
            }
            func put(_ path: String, _ json: String) -> Change {
                Change(method: .put, path: path, json: json, key: server.key)
            }
            func delete(_ path: String, _ json: String = "{}", key: String? = nil) -> Change {
                Change(method: .delete, path: path, json: json, key: key ?? server.key)
            }
            let changes = [
                put(APIPath.instance(id), #"{"state": "stopped"}"#),
                put(APIPath.instance(id), #"{"state": "stopped"}"#),
                put(APIPath.instances, #"{"state": "running", "ids": [\#(id), 99999]}"#),
                put(APIPath.instance(id), #"{"label": "run 1"}"#),
                put(APIPath.recycle(instance: id), "{}"),
                put(APIPath.reboot(instance: adopted), "{}"),
                delete(APIPath.instance(id), key: made.instanceKey),
                delete(APIPath.instances, #"{"instance_ids": [\#(adopted), \#(id)]}"#),
                // From here on nothing is left to be changed.
                delete(APIPath.instance(id)),
                delete(APIPath.instances, #"{"instance_ids": [\#(adopted), \#(id)]}"#),
                put(APIPath.reboot(instance: id), "{}"),
                put(APIPath.recycle(instance: adopted), "{}"),
                put(APIPath.instance(id), #"{"label": "late"}"#),
                put(APIPath.instance(server.otherInstance), #"{"state": "stopped"}"#),
                delete(APIPath.instance(server.otherInstance)),
            ]
            for change in changes {
                _ = try await client.send(
                    change.method, change.path, key: change.key, json: change.json)
            }
            let calls = try await Self.calls(client, key: server.key).dropFirst()
            #expect(
                calls.map(\.apiRoute) == [
                    "PUT /api/v0/instances/{id}", "PUT /api/v0/instances/{id}",
                    "PUT /api/v0/instances", "PUT /api/v0/instances/{id}",
                    "PUT /api/v0/instances/recycle/{id}", "PUT /api/v0/instances/reboot/{id}",
                    "DELETE /api/v0/instances/{id}", "DELETE /api/v0/instances",
                ])
            #expect(
                calls.map { $0.args["instance_id"] }
                    == [id, id, id, id, id, adopted, id, adopted].map { JSONValue.int($0) })
            #expect(
                calls.map { $0.args["state"] ?? $0.args["label"] } == [
                    .string("stopped"), .string("stopped"), .string("running"), .string("run 1"),
                    nil, nil, nil, nil,
                ])
            #expect(calls.map(\.apiKeyID) == [1, 1, 1, 1, 1, 1, ownKey, 1])
            #expect(try await Self.calls(client, key: server.otherKey).isEmpty)
            #expect(
                try await server.store.verifyAudit() == server.store.auditHead(),
                "the chain holds")
        }
    }

    @Test func `entries of commands say from where they came`() async throws {
        try await TestServer.with { server, client in
            var principal = try await server.parts.authenticator.principal(key: server.key)
            principal.address = "192.0.2.9"
            let accepted = try await server.parts.execute(
                CommandOrder(input: .text("ls /one")), on: server.instance, as: principal)
            await #expect(throws: ControlPlaneError.self) {
                _ = try await server.parts.execute(
                    CommandOrder(input: .text("rm /etc; ls")), on: server.instance, as: principal)
            }
            _ = try await server.parts.cancel(accepted.command.id, as: principal)
            try await server.parts.deleteResult(accepted.command.id, as: principal)
            try await server.parts.change.label(server.instance, "x", as: principal)
            let rows = try await client.send(.get, Self.logs, key: server.key)
                .decoded([AuditLogRow].self)
            #expect(
                rows.prefix(5).map(\.event) == [
                    "api.called", "result.deleted", "command.cancelled", "command.denied",
                    "command.accepted",
                ])
            #expect(rows.prefix(5).allSatisfy { $0.ipAddress == "192.0.2.9" })
        }
    }
}
