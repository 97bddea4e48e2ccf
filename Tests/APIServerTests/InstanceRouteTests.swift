import AgentSimulator
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing
import VastAPI

@Suite struct InstanceRouteTests {
    @Test func `a list has what clients index, with the types that they need`() async throws {
        try await TestServer.with { server, client in
            for path in ["/api/v0/instances?owner=me", "/api/v1/instances/"] {
                let response = try await client.send(.get, path, key: server.key)
                #expect(response.headers[.contentType] == "application/json")
                let reply = try response.decoded(JSONValue.self)
                let row = try #require(reply.object?["instances"]?.array?.first?.object)
                #expect(row["id"] == .int(server.instance))
                #expect(row["start_date"]?.number == 2)
                #expect(row["extra_env"] == .array([.array([.string("A"), .string("b")])]))
                #expect(row["ports"] == .object([:]))
                #expect(row["actual_status"] == .string("offline"), "its machine is not connected")
            }
        }
    }

    @Test func `a connected machine's instances have the engine's state`() async throws {
        try await TestServer.with { server, client in
            try await server.withAgent(answer: TestServer.succeed) {
                let response = try await client.send(
                    .get, APIPath.instance(server.instance), key: server.key)
                let row = try #require(try response.decoded(InstanceReply.self).instances)
                #expect(row["actual_status"] == .string("running"))
                #expect(row["intended_status"] == .string("running"))
            }
        }
    }

    @Test func `an unknown id and another account's are null alike`() async throws {
        try await TestServer.with { server, client in
            for id in [server.otherInstance, 999_999] {
                let response = try await client.send(.get, APIPath.instance(id), key: server.key)
                #expect(response.status == .ok)
                #expect(response.text == #"{"instances":null}"#)
            }
        }
    }

    @Test func `pages follow each other without gap or repetition`() async throws {
        try await TestServer.with { server, client in
            try await server.agent.report(
                (0..<60).map {
                    .sample("p\($0)", owner: "maria", status: $0 % 2 == 0 ? "running" : "exited")
                })
            var seen: [Int64] = []
            var token: String?
            repeat {
                let query = token.map { "&after_token=\($0)" } ?? ""
                let response = try await client.send(
                    .get, "/api/v1/instances/?limit=25\(query)", key: server.key)
                let page = try response.decoded(InstancePageReply.self)
                #expect(page.totalInstances == 60)
                seen += page.instances.compactMap { $0["id"]?.number.map(Int64.init) }
                token = page.nextToken
            } while token != nil
            #expect(seen.count == 60)
            #expect(seen == seen.sorted())
            #expect(Set(seen).count == 60)
        }
    }

    @Test(arguments: [
        (#"{"id":{"gte":"2"}}"#, 1), (#"{"label":{"eq":"name-c1"}}"#, 1),
        (#"{"label":{"in":["name-c1","name-c9"]}}"#, 2), (#"{"label":{"notin":["name-c1"]}}"#, 1),
        (#"{"label":{"neq":"name-c1"}}"#, 1), (#"{"id":{"lt":1000,"gt":0}}"#, 2),
    ])
    func `filters hold, with numbers as strings too`(filter: String, count: Int) async throws {
        try await TestServer.with { server, client in
            try await server.agent.report([
                .sample("c1", owner: "maria"), .sample("c9", owner: "maria"),
            ])
            let query = filter.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            let response = try await client.send(
                .get,
                "/api/v1/instances/?select_filters=\(query)&select_cols=%5B%22id%22%2C%22nope%22%5D",
                key: server.key)
            let page = try response.decoded(InstancePageReply.self)
            #expect(page.instancesFound == count)
            #expect(
                page.instances.allSatisfy { Set($0.keys) == ["id", "nope"] && $0["nope"] == .null })
        }
    }

    @Test(arguments: [
        "select_filters=%7B%22dph_total%22%3A%7B%22eq%22%3A1%7D%7D", "select_filters=x",
        "select_filters=%7B%22id%22%3A%7B%22like%22%3A1%7D%7D",
        "order_by=%5B%7B%22col%22%3A%22nope%22%7D%5D",
        "after_token=zzz",
    ])
    func `a query that cannot be answered is 400`(query: String) async throws {
        try await TestServer.with { server, client in
            let response = try await client.send(
                .get, "/api/v1/instances/?\(query)", key: server.key)
            #expect(response.status == .badRequest)
        }
    }

    @Test func `the account's own page, and those that need no key`() async throws {
        try await TestServer.with { server, client in
            let user = try await client.send(
                .get, "/api/v0/users/current?owner=me", key: server.key)
            let reply = try user.decoded(JSONValue.self)
            #expect(reply.object?["username"] == .string("maria"))
            #expect(reply.object?["api_key"] == .string(""))
            for path in ["/healthz", "/api/v0/gpu_names/unique/", "/openapi.yaml", "/llms.txt"] {
                #expect(try await client.send(.get, path).status == .ok)
            }
            let unknown = try await client.send(.get, "/api/v0/no/such/thing", key: server.key)
            #expect(unknown.status == .notFound)
            #expect(try unknown.decoded(ErrorReply.self).success == false)
        }
    }
}
