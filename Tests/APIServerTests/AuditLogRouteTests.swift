import APIServer
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// The audit log as an account sees it (contract 7.3).
@Suite struct AuditLogRouteTests {
    private static let newest = "/api/v0/audit_logs/"
    private static let pages = "/api/v1/audit_logs/"

    @Test func `an account sees what its keys did, newest first, and no other's`() async throws {
        try await TestServer.with { server, client in
            for command in ["ls /one", "rm -rf /"] {
                _ = try await client.send(
                    .put, APIPath.execute(instance: server.instance), key: server.key,
                    json: #"{"command": "\#(command)"}"#)
            }
            _ = try await client.send(
                .put, APIPath.execute(instance: server.otherInstance), key: server.otherKey,
                json: #"{"command": "ls /other"}"#)
            _ = try await client.send(
                .post, "/api/v0/secrets/", key: server.key, json: #"{"key": "A", "value": "xyzzy"}"#
            )
            let reply = try await client.send(.get, Self.newest, key: server.key)
            #expect(reply.status == .ok)
            let rows = try reply.decoded([AuditLogRow].self)
            #expect(
                rows.prefix(3).map(\.apiRoute) == [
                    "POST /api/v0/secrets", "PUT /api/v0/instances/command/{id}",
                    "PUT /api/v0/instances/command/{id}",
                ])
            #expect(rows[0].args == ["key": .string("A")])
            #expect(rows[1].event == "command.denied")
            #expect(rows[2].args["command"] == .string("ls /one"))
            #expect(rows[2].args["instance_id"] == .int(server.instance))
            #expect(rows.allSatisfy { $0.apiKeyID == 1 && $0.createdAt > 0 })
            #expect(!reply.text.contains("other") && !reply.text.contains("xyzzy"))
            #expect(reply.text.contains(#""ip_address":"#))
        }
    }

    @Test func `pages follow each other and count the whole`() async throws {
        try await TestServer.with { server, client in
            for number in 1...7 {
                _ = try await client.send(
                    .put, APIPath.execute(instance: server.instance), key: server.key,
                    json: #"{"command": "ls /\#(number)"}"#)
            }
            let whole = try await client.send(.get, Self.newest, key: server.key)
                .decoded([AuditLogRow].self)
            var rows: [AuditLogRow] = []
            var path = "\(Self.pages)?limit=3"
            while true {
                let page = try await client.send(.get, path, key: server.key)
                    .decoded(AuditLogPage.self)
                #expect(page.success && page.totalLogs == Int64(whole.count))
                #expect(page.logsFound == page.auditLogs.count)
                rows += page.auditLogs
                guard let token = page.nextToken else { break }
                #expect(page.auditLogs.count == 3)
                path = "\(Self.pages)?limit=3&after_token=\(token)"
            }
            #expect(rows == whole)
            let page = try await client.send(.get, Self.pages, key: server.key)
            #expect(
                Set(try #require(try page.decoded(JSONValue.self).object).keys)
                    == ["success", "total_logs", "logs_found", "audit_logs", "next_token"])
            for token in ["x", "5", "-1-2", "5-", "05-1", "1-2-3"] {
                let bad = try await client.send(
                    .get, "\(Self.pages)?after_token=\(token)", key: server.key)
                #expect(bad.status == .badRequest)
                #expect(try bad.decoded(ErrorReply.self).error == "invalid_token")
            }
        }
    }

    /// Entries name commands, instances and keys.
    @Test func `a bound key sees what it did itself`() async throws {
        try await TestServer.with { server, client in
            _ = try await client.send(
                .put, APIPath.execute(instance: server.instance), key: server.key,
                json: #"{"command": "ls /hidden"}"#)
            let scopes = [
                KeyScope(permissions: KeyPermissions(.misc)),
                KeyScope(permissions: KeyPermissions(.misc, .instanceRead, .instanceWrite)),
                KeyScope(paths: ["/workspace"]), KeyScope(commands: ["vast"]),
                KeyScope(
                    permissions: KeyPermissions([
                        .misc: .whole, .userRead: .whole,
                        .instanceWrite: .routes([
                            "api.instance.execute": IDConstraint([.eq: .id(server.instance)])
                        ]),
                    ])),
            ]
            for scope in scopes {
                let key = try await server.newKey(scope)
                let own = try await client.send(
                    .put, APIPath.execute(instance: server.instance), key: key,
                    json: #"{"command": "ls /workspace"}"#)
                let id = try await server.parts.authenticator.principal(key: key).keyID
                for path in [Self.newest, Self.pages] {
                    let reply = try await client.send(.get, path, key: key)
                    #expect(reply.status == .ok)
                    #expect(!reply.text.contains("hidden"), "\(scope)")
                    if own.status == .ok { #expect(reply.text.contains("ls /workspace")) }
                }
                let rows = try await client.send(.get, Self.newest, key: key)
                    .decoded([AuditLogRow].self)
                #expect(rows.allSatisfy { $0.apiKeyID == id })
                let page = try await client.send(.get, Self.pages, key: key)
                    .decoded(AuditLogPage.self)
                #expect(page.totalLogs == Int64(rows.count))
            }
            let reader = try await server.newKey(
                KeyScope(
                    permissions: KeyPermissions(.misc, .instanceRead, .userRead), writes: false))
            let all = try await client.send(.get, Self.newest, key: reader)
            #expect(all.text.contains("hidden"))
        }
    }
}
