import APIServer
import AgentSimulator
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
    /// Routes without a key, by their reasons.
    private static let open: Set = [
        "GET /healthz", "GET /openapi.yaml", "GET /llms.txt",  // say nothing of anybody
        "GET /api/v0/gpu_names/unique", "GET /api/v0/gpu_types",  // asked before there is a key
        // what can be rented says nothing of whoever rents
        "GET /api/v0/bundles", "POST /api/v0/bundles", "PUT /api/v0/search/asks",
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
        }
        // So many wrong keys are answered from one address, and no more.
        let count = 50
        for start in stride(from: 0, to: AccountRoute.all.count, by: count) {
            try await TestServer.with { server, client in
                for (method, path) in try Self.routes(server).dropFirst(start).prefix(count) {
                    let reply = try await client.send(method, Self.sample(path))
                    #expect(reply.status == .unauthorized, "\(method) \(path)")
                }
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
                        // A key that only reads is kept from these for another reason.
                        writes: route.changesInstances))
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

    @Test func `lists have what a key may ask for by its id`() async throws {
        try await TestServer.with { server, client in
            let one = IDConstraint([.eq: .id(server.instance)])
            let key = try await server.newKey(
                KeyScope(
                    permissions: KeyPermissions([
                        .instanceWrite: .routes(["api.instance.execute": one]),
                        .instanceRead: .routes([
                            "api.instances.show": IDConstraint(),
                            "api.instances.filters": IDConstraint(),
                        ]),
                    ])))
            try await server.withAgent(answer: { _ in nil }) {
                try await server.agent.report([
                    .sample("c1", owner: "maria"), .sample("c2", owner: "noor"),
                    .sample("c3", owner: "maria", status: "exited"),
                ])
                for (key, count) in [(server.key, 2), (key, 1)] {
                    let list = try await client.send(.get, APIPath.instances, key: key)
                        .decoded(InstanceListReply.self).instances
                    #expect(list.count == count && list[0]["id"] == .int(server.instance))
                    let page = try await client.send(.get, APIPath.instancePages, key: key)
                        .decoded(InstancePageReply.self)
                    #expect(page.instances.map { $0["id"] } == list.map { $0["id"] })
                    #expect(page.totalInstances == count && page.labelCounts.count == count)
                    let filters = try await client.send(
                        .get, APIPath.instances + "filters/", key: key
                    ).decoded([String: [InstanceRow]].self)
                    #expect(filters["filters"]?.count == count)
                }
            }
        }
    }

    /// Whoever is bound to paths, to commands or to instances would else read what others looked at.
    @Test func `a bound key sees the commands that it ordered, and no others`() async throws {
        try await TestServer.with { server, client in
            try await server.withAgent(answer: TestServer.succeed) {
                func order(_ key: String, _ command: String) async throws -> Int64 {
                    let reply = try await client.send(
                        .put, APIPath.execute(instance: server.instance), key: key,
                        json: #"{"command": "\#(command)"}"#, headers: [.init("Prefer")!: "wait=30"]
                    )
                    return try reply.decoded(ExecuteReply.self).commandID
                }
                let bound = try await server.newKey(KeyScope(paths: ["/workspace"]))
                let reader = try await server.newKey(.agent)
                let others = try await order(server.key, "ls /secret")
                let own = try await order(bound, "ls /workspace")

                for method in [HTTPRequest.Method.get, .delete] {
                    for suffix in ["/", "/output"] + (method == .get ? ["/output?follow=1"] : []) {
                        let hidden = try await client.send(
                            method, "/api/v0/commands/\(others)\(suffix)", key: bound)
                        let absent = try await client.send(
                            method, "/api/v0/commands/987654321\(suffix)", key: server.key)
                        #expect(hidden.status == .notFound, "\(method) \(suffix)")
                        #expect(hidden.text == absent.text, "\(method) \(suffix)")
                        #expect(hidden.headers == absent.headers, "\(method) \(suffix)")
                    }
                }
                let output = APIPath.commandOutput(own)
                #expect(try await client.send(.get, output, key: bound).status == .ok)
                for (key, ids) in [
                    (bound, [own]), (reader, [own, others]), (server.key, [own, others]),
                ] {
                    let list = try await client.send(.get, APIPath.commands, key: key)
                    #expect(try list.decoded(CommandListReply.self).commands.map(\.id) == ids)
                }
                let left = try await client.send(
                    .get, APIPath.commandOutput(others), key: server.key)
                #expect(left.status == .ok)
            }
        }
    }

    @Test func `an order that permissions refuse is in the audit log`() async throws {
        try await TestServer.with { server, client in
            let bound = IDConstraint([.gte: .id(server.instance + 1)])
            let closed = try await server.newKey(KeyScope(permissions: KeyPermissions(.userRead)))
            let hidden = try await server.newKey(
                KeyScope(
                    permissions: KeyPermissions([
                        .instanceWrite: .routes(["api.instance.execute": bound])
                    ])))
            let before = try await server.store.auditHead()?.sequence ?? 0
            for (key, id) in [
                (closed, "\(server.instance)"), (closed, "x"), (hidden, "\(server.instance)"),
            ] {
                _ = try await client.send(
                    .put, "/api/v0/instances/command/\(id)/", key: key, json: #"{"command": "ls"}"#)
            }
            // Nothing is an order but execute.
            _ = try await client.send(.get, APIPath.instances, key: closed)
            _ = try await client.send(.delete, APIPath.command(1), key: closed)
            let entries = try await server.store.auditEntries(after: before, limit: 10)
                .compactMap(\.entry)
            #expect(entries.map(\.event) == [.commandDenied, .commandDenied, .commandDenied])
            #expect(entries.map(\.instanceID) == [server.instance, nil, server.instance])
            #expect(
                entries.map(\.detail) == ["not_authorized", "not_authorized", "instance_not_found"])
            // Of an order without permission nothing is read.
            #expect(entries.map(\.text) == [nil, nil, "ls"])
            let keys = try await server.store.keys(account: 1).map(\.id)
            #expect(entries.map(\.keyID) == [keys[1], keys[1], keys[2]])
        }
    }

    @Test func `an order that permissions refuse counts for the rate`() async throws {
        try await TestServer.with(rate: CallRate(burst: 2, perSecond: 0.001)) { server, client in
            let closed = try await server.newKey(KeyScope(permissions: KeyPermissions(.userRead)))
            var codes: [Int] = []
            for _ in 0..<3 {
                codes.append(
                    try await client.send(
                        .put, APIPath.execute(instance: server.instance), key: closed, json: "{}"
                    ).status.code)
            }
            #expect(codes == [403, 403, 429])
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
        path.replacing("{id}", with: "987654321").replacing("{key}", with: "987654321")
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
