import APIServer
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing
import VastAPI

/// What Boathook has none of, and what it does not do.
@Suite struct UpstreamRouteTests {
    /// What clients take out of the answers without looking whether it is there (contract 7.3; vastai 0.5.0, 1.9.1).
    private static let indexed = [
        "/api/v0/subaccounts": "users", "/api/v0/users/me/invoices": "invoices",
        "/api/v0/endptjobs": "results", "/api/v0/autojobs": "results",
        "/api/v0/volumes": "volumes", "/api/v0/instance_backups": "backups",
        "/api/v0/deployments": "deployments", "/api/v0/benchmarks": "benchmarks",
        "/api/v0/network_disk": "data", "/api/v0/template": "templates",
        "/api/v0/instances/pending-price-increases": "pending_price_increases",
        "/api/v1/invoices": "results", "/api/v0/charges": "results",
    ]

    @Test func `each has the list that clients index, empty`() async throws {
        try await TestServer.with { server, client in
            for (path, member) in Self.indexed {
                for suffix in ["", "/", "?owner=me&select_cols=%5B%22*%22%5D"] {
                    let reply = try await client.send(.get, path + suffix, key: server.key)
                    #expect(reply.status == .ok, "\(path)")
                    #expect(reply.headers[.contentType] == "application/json")
                    let object = try reply.decoded(JSONValue.self).object
                    #expect(object?[member] == .array([]), "\(path)")
                }
            }
            let invoices = try await client.send(
                .get, "/api/v0/users/me/invoices", key: server.key
            ).decoded(JSONValue.self).object
            #expect(invoices?["current"]?.object != nil)
            let clusters = try await client.send(.get, "/api/v0/clusters/", key: server.key)
            #expect(try clusters.decoded(JSONValue.self).object?["clusters"] == .object([:]))
            for path in [
                "invoices", "users/cloud_integrations", "machines/maintenances", "overlay",
                "team/members", "team/roles-full",
            ] {
                let reply = try await client.send(.get, "/api/v0/\(path)", key: server.key)
                #expect(reply.text == "[]", "\(path)")
            }
            for path in ["volumes", "network_volumes"] {
                let reply = try await client.send(
                    .post, "/api/v0/\(path)/search/", key: server.key, json: #"{"q": {}}"#)
                #expect(try reply.decoded(JSONValue.self).object?["offers"] == .array([]))
            }
            let template = try await client.send(.get, "/api/v0/template/", key: server.key)
            #expect(
                try template.decoded(JSONValue.self).object?["msg"]
                    == .string("No templates found"))
            let types = try await client.send(.get, "/api/v0/gpu_types/")
            #expect(types.text == #"{"gpu_types":[]}"#)
        }
    }

    @Test func `what upstream has and Boathook does not is 501, in words`() async throws {
        try await TestServer.with { server, client in
            #expect(UpstreamRoutes.all.count > 120)
            for (name, path) in UpstreamRoutes.all {
                let method = try #require(HTTPRequest.Method(rawValue: name))
                let filled = path.replacing("{id}", with: "12345")
                for path in [filled, filled + "/", "/" + filled] {
                    let reply = try await client.send(method, path, key: server.key, json: "{}")
                    #expect(reply.status == .notImplemented, "\(method) \(path)")
                    #expect(reply.headers[.contentType] == "application/json")
                    let error = try reply.decoded(ErrorReply.self)
                    #expect(error.error == "not_implemented" && error.success == false)
                    #expect(error.msg.hasPrefix("Boathook does not do this: it has no "))
                }
            }
        }
    }

    @Test func `a word of upstream's is no id, and no other word is one of upstream's`()
        async throws
    {
        try await TestServer.with { server, client in
            for (method, folder, word, status) in [
                (HTTPRequest.Method.put, "instances", "accept-price-increase", 400),
                (.put, "instances", "reject-price-increase", 400),
                (.delete, "commands", "rclone", 404),
            ] {
                for key in [server.key, nil] {
                    let upstreams = try await client.send(
                        method, "/api/v0/\(folder)/\(word)/", key: key, json: "no JSON")
                    #expect(upstreams.status == .notImplemented)
                }
                let other = try await client.send(
                    method, "/api/v0/\(folder)/\(word)s/", key: server.key, json: "{}")
                #expect(other.status.code == status)
            }
        }
    }

    /// A route that comes later must leave the table.
    @Test func `the table has nothing that is there`() async throws {
        try await TestServer.with { server, _ in
            let routes = Set(
                APIServer.router(server.parts).routes.map {
                    "\($0.method) \($0.path.description)"
                })
            for (method, path) in UpstreamRoutes.all {
                #expect(!routes.contains("\(method) \(path)"), "\(method) \(path)")
            }
        }
    }

    @Test(arguments: [
        "/api/v0/nothing", "/api/v0/tfa/nothing", "/api/v2/tfa", "/api/tfa", "/tfa", "/api",
        "/api/v0", "/api/v0/users/1/2/3",
    ])
    func `anything else is 404, in JSON`(path: String) async throws {
        try await TestServer.with { server, client in
            let reply = try await client.send(.post, path, key: server.key, json: "{}")
            #expect(reply.status == .notFound)
            #expect(
                try reply.decoded(ErrorReply.self)
                    == ErrorReply(error: "not_found", msg: "There is nothing here."))
        }
    }
}
