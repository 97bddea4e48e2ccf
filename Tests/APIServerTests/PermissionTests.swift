import APIServer
import ControlPlane
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// What a key opens, over the whole table of routes.
@Suite struct PermissionTests {
    /// Routes without a key, by their reasons; the list may only shrink.
    private static let open: Set = [
        "GET /healthz", "GET /openapi.yaml", "GET /llms.txt",  // say nothing of anybody
        "GET /api/v0/gpu_names/unique",  // asked before there is a key
        "GET /results/{result}", "HEAD /results/{result}",  // the URL is the authority
    ]

    /// The router's routes that need an account's key.
    private static func routes(_ server: TestServer) throws -> [(HTTPRequest.Method, String)] {
        APIServer.router(server.parts).routes.map { ($0.method, $0.path.description) }
            .filter { !$1.hasPrefix("/agent/") && !open.contains("\($0) \($1)") }
    }

    @Test func `every route of accounts has its category, and every category's route is there`()
        async throws
    {
        try await TestServer.with { server, client in
            let routes = try Self.routes(server)
            #expect(
                Set(routes.map { "\($0) \($1)" })
                    == Set(AccountRoute.all.map { "\($0.method) \($0.path)" }))
            for (method, path) in routes {
                let reply = try await client.send(method, Self.sample(path))
                #expect(reply.status == .unauthorized, "\(method) \(path)")
            }
        }
    }

    @Test func `the page on keys has the table of routes`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/keys.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.contains("` | `api.") }
        #expect(rows.count == AccountRoute.all.count)
        for route in AccountRoute.all {
            let names = route.names.map { "`\($0)`" }.joined(separator: ", ")
            let row = rows.first {
                $0.hasPrefix("| `\(route.method) \(route.path)` | `\(route.category.rawValue)`")
            }
            #expect(row?.hasSuffix(" | \(names) |") == true, "\(route)")
        }
    }

    @Test func `a key without a route's category gets 403, and one with it alone gets in`()
        async throws
    {
        try await TestServer.with { server, client in
            for (method, path) in try Self.routes(server) {
                let route = try #require(
                    AccountRoute.route(method: method.rawValue, path: path), "\(method) \(path)")
                let others = PermissionCategory.allCases.filter {
                    !route.categories(writes: false).contains($0)
                }
                let without = try await server.newKey(
                    KeyScope(
                        permissions: KeyPermissions(
                            Dictionary(uniqueKeysWithValues: others.map { ($0, .whole) })),
                        writes: false))
                let with = try await server.newKey(
                    KeyScope(permissions: KeyPermissions(route.category)))
                let refused = try await client.send(
                    method, Self.sample(path), key: without, json: "no JSON")
                #expect(refused.status == .forbidden, "\(method) \(path)")
                #expect(
                    try refused.decoded(ErrorReply.self)
                        == ErrorReply(
                            error: "not_authorized",
                            msg:
                                "Your key lacks the \(route.category.rawValue) permission group"))
                let admitted = try await client.send(
                    method, Self.sample(path), key: with, json: "{}")
                #expect(admitted.status != .forbidden, "\(method) \(path)")
                #expect(admitted.status != .unauthorized, "\(method) \(path)")
            }
        }
    }

    @Test func `an agent's key runs what reads, and cancels nothing`() async throws {
        try await TestServer.with { server, client in
            let key = try await server.newKey(.agent)
            let run = try await client.send(
                .put, APIPath.execute(instance: server.instance), key: key,
                json: #"{"command": "ls"}"#)
            #expect(run.status == .ok)
            let id = try run.decoded(ExecuteReply.self).commandID
            #expect(try await client.send(.get, APIPath.command(id), key: key).status == .ok)
            let cancel = try await client.send(.delete, APIPath.command(id), key: key)
            #expect(cancel.status == .forbidden)
            #expect(try await client.send(.get, APIPath.currentUser, key: key).status == .forbidden)
            #expect(
                try await client.send(.get, APIPath.currentUser, key: server.key).status == .ok)
        }
    }

    /// Nothing tells an id that the key is not for from one that nothing has: neither the answer nor the order
    /// of the checks.
    @Test(arguments: [
        (HTTPRequest.Method.get, "", ""), (.put, "command/", #"{"command": "ls"}"#),
        (.put, "command/", "no JSON"), (.put, "command/", #"{"command": 5}"#),
        (.put, "command/", #"{"command": "reboot"}"#),
    ])
    func `an id outside of a key's constraints is an absent one`(
        method: HTTPRequest.Method, infix: String, body: String
    ) async throws {
        try await TestServer.with { server, client in
            let bound = IDConstraint([.gte: .id(server.instance + 1)])
            let key = try await server.newKey(
                KeyScope(
                    permissions: KeyPermissions([
                        .instanceRead: .routes(["api.instance.show": bound]),
                        .instanceWrite: .routes(["api.instance.command": bound]),
                    ])))
            let free = try await server.newKey(.everything)
            let bare = APIPath.instances + infix
            let hidden = try await client.send(
                method, "\(bare)\(server.instance)/", key: key, json: body)
            let absent = try await client.send(method, "\(bare)987654321/", key: free, json: body)
            #expect(hidden.status == absent.status)
            #expect(hidden.text == absent.text)
            let seen = try await client.send(
                method, "\(bare)\(server.instance)/", key: free, json: body)
            if body.isEmpty || body.contains("ls") { #expect(seen.text != absent.text) }
        }
    }

    @Test func `an expired key is an unknown one`() async throws {
        try await TestServer.with { server, client in
            let now = WallTime.system.now()
            let ended = try await server.newKey(.everything, expiresAt: now - 1)
            let running = try await server.newKey(.everything, expiresAt: now + 3600)
            let reply = try await client.send(.get, APIPath.currentUser, key: ended)
            let unknown = try await client.send(.get, APIPath.currentUser, key: "unknown")
            #expect(reply.status == .unauthorized)
            #expect(reply.text == unknown.text)
            #expect(
                try await client.send(.get, APIPath.currentUser, key: running).status == .ok)
        }
    }
}

extension PermissionTests {
    /// A request's path for one of the router, with an id that nothing has.
    private static func sample(_ path: String) -> String {
        path.replacing("{id}", with: "987654321")
    }
}

extension TestServer {
    /// A key of the first account.
    func newKey(_ scope: KeyScope, expiresAt: Double? = nil) async throws -> String {
        let account = try #require(try await store.account(named: "maria"))
        let secret = Secret()
        _ = try await store.addKey(
            secret.digest, name: "k", account: account.id, scope: scope, expiresAt: expiresAt, at: 1
        )
        return secret.text
    }
}
