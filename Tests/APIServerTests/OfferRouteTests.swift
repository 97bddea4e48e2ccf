import APIServer
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing
import VastAPI

/// Searches for offers, as clients word them (contract 5).
@Suite struct OfferRouteTests {
    @Test func `words that only upstream's market knows are no columns`() async throws {
        try await LifecycleRouteTests.withMachine { _, client, _ in
            let all = try await LifecycleRouteTests.offers(client).compactMap { $0["id"] }
            #expect(all.count == 2)
            for query in [
                #"{"disable_bundling": true}"#, #"{"type": null}"#, #"{"type": "reserved"}"#,
                #"{"type": "ondemand"}"#, #"{"type": "on-demand"}"#, #"{"allocated_storage": 5.0}"#,
                #"{"order": null, "limit": null}"#,
                #"{"target_reliability": 0.9, "extra_ids": [], "sort_option": {}, "template_id": 1}"#,
            ] {
                let found = try await LifecycleRouteTests.offers(client, query)
                #expect(found.compactMap { $0["id"] } == all, "\(query)")
            }
        }
    }

    @Test func `a column that is none is 400, whatever else is asked and found`() async throws {
        for hasMachine in [true, false] {
            @Sendable func check(_ client: any TestClientProtocol) async throws {
                for (query, message) in [
                    (#"{"nonsense": {"eq": 1}}"#, "Offers have no nonsense."),
                    (#"{"nonsense": {}}"#, "Offers have no nonsense."),
                    (
                        #"{"nonsense": {"eq": 1}, "num_gpus": {"eq": 77}}"#,
                        "Offers have no nonsense."
                    ),
                    (#"{"type": "bid", "nonsense": {"eq": 1}}"#, "Offers have no nonsense."),
                    (#"{"order": [["nonsense", "asc"]]}"#, "Cannot order by nonsense."),
                    (
                        #"{"num_gpus": {"eq": 77}, "aa": null, "id": {"like": 1}}"#,
                        "Unknown operator like."
                    ),
                ] {
                    let reply = try await client.send(.post, "/api/v0/bundles/", json: query)
                    #expect(reply.status == .badRequest, "\(query)")
                    let error = try reply.decoded(ErrorReply.self)
                    #expect(error.error == "invalid_request" && error.msg == message)
                }
            }
            if hasMachine {
                try await LifecycleRouteTests.withMachine { _, client, _ in
                    try await check(client)
                }
            } else {
                try await TestServer.with { _, client in try await check(client) }
            }
        }
    }

    @Test func `every column that a row has can be filtered and ordered by`() async throws {
        try await LifecycleRouteTests.withMachine { _, client, _ in
            let row = try #require(try await LifecycleRouteTests.offers(client).first)
            for column in row.keys {
                let found = try await LifecycleRouteTests.offers(
                    client,
                    #"{"\#(column)": {"neq": "nothing like it"}, "order": [["\#(column)", "desc"]]}"#
                )
                #expect(found.count == 2, "\(column)")
            }
            // By the other names that clients have for some.
            for column in ["dph", "cuda_vers", "dlperf_usd", "flops_usd", "display_active"] {
                let found = try await LifecycleRouteTests.offers(
                    client, #"{"\#(column)": {"neq": 77}, "order": [["\#(column)", "asc"]]}"#)
                #expect(found.count == 2, "\(column)")
            }
        }
    }

    @Test func `an offer without a slot is shown, with a port, and not as rentable`() async throws {
        try await LifecycleRouteTests.withMachine(slots: 1) { server, client, _ in
            let offer = try #require(
                try await LifecycleRouteTests.offers(client).first?["id"]?.number)
            let made = try await client.send(
                .put, APIPath.ask(Int64(offer)), key: server.key, json: #"{"image": "a"}"#)
            #expect(made.status == .ok)
            // The default query of clients asks for a port or more.
            let found = try await LifecycleRouteTests.offers(
                client, #"{"direct_port_count": {"gte": "1"}}"#)
            #expect(found.count == 2)
            for row in found {
                #expect(row["direct_port_count"] == .int(1))
                #expect(row["rentable"] == .bool(false) && row["rented"] == .bool(true))
            }
        }
    }

    @Test func `no key is needed, and one that is wrong is 401`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            for (method, path, json) in [
                (HTTPRequest.Method.post, "/api/v0/bundles/", "{}" as String?),
                (.get, "/api/v0/bundles/", nil), (.put, "/api/v0/search/asks/", #"{"q": {}}"#),
            ] {
                for key in [nil, server.key, server.otherKey] {
                    let reply = try await client.send(method, path, key: key, json: json)
                    #expect(reply.status == .ok, "\(method) \(path)")
                }
                let query = try await client.send(
                    method, "\(path)?api_key=\(server.key)", json: json)
                #expect(query.status == .ok)
                for wrong in [
                    try await client.send(method, path, key: "nobody's", json: json),
                    try await client.send(method, "\(path)?api_key=nobodys", json: json),
                ] {
                    #expect(wrong.status == .unauthorized)
                    let error = try wrong.decoded(ErrorReply.self)
                    #expect(error.error == "auth_error" && error.msg == "Invalid user key")
                }
            }
        }
    }
}
