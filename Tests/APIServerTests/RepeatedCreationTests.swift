import AgentLink
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

@testable import APIServer

/// The same order to make an instance twice (docs/instances.md).
@Suite struct RepeatedCreationTests {
    private static let body =
        #"{"image": "debian:12", "disk": 8, "runtype": "args", "target_state": "stopped"}"#

    private static func create(
        _ client: any TestClientProtocol, _ path: String, _ key: String, named name: String? = nil,
        _ body: String = body, _ method: HTTPRequest.Method = .put
    ) async throws -> TestResponse {
        var headers: HTTPFields = [:]
        headers[try #require(HTTPField.Name("Idempotency-Key"))] = name
        return try await client.send(method, path, key: key, json: body, headers: headers)
    }

    private static func path(_ client: any TestClientProtocol) async throws -> (String, Int64) {
        let offer = try #require(
            try await LifecycleRouteTests.offers(client).first?["id"]?.number)
        return ("/api/v0/asks/\(Int64(offer))/", Int64(offer))
    }

    @Test func `equal orders whose answers arrived are two instances`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            let (path, _) = try await Self.path(client)
            var ids: Set<Int64> = []
            for _ in 0..<3 {
                let response = try await Self.create(
                    client, path, server.key,
                    #"{"image": "debian:12", "disk": 8, "runtype": "args", "target_state": "stopped"}"#
                )
                ids.insert(try response.decoded(CreateInstanceReply.self).newContract)
            }
            #expect(ids.count == 3)
        }
    }

    @Test func `an idempotency key is one instance, and no other order's`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            let (path, _) = try await Self.path(client)
            let first = try await Self.create(client, path, server.key, named: "a")
            let again = try await Self.create(client, path, server.key, named: "a")
            #expect(again.status == .ok)
            #expect(again.text == first.text, "with the instance's own key")
            let key = try first.decoded(CreateInstanceReply.self).instanceKey
            #expect(key.utf8.count == 43)

            let mismatch = try await Self.create(
                client, path, server.key, named: "a", #"{"image": "debian:13", "disk": 8}"#)
            #expect(mismatch.status == .unprocessableContent)
            #expect(try mismatch.decoded(ErrorReply.self).error == "idempotency_mismatch")
            let tooLong = try await Self.create(
                client, path, server.key, named: String(repeating: "k", count: 256))
            #expect(tooLong.status == .badRequest)
            let others = try await Self.create(client, path, server.otherKey, named: "a")
            #expect(
                try others.decoded(CreateInstanceReply.self).newContract
                    != first.decoded(CreateInstanceReply.self).newContract,
                "another account's name is another name")
        }
    }

    @Test func `the last room that there was is found again`() async throws {
        try await LifecycleRouteTests.withMachine(slots: 3) { server, client, _ in
            let (_, offer) = try await Self.path(client)
            let bulk =
                #"{"ids": [\#(offer), \#(offer)], "image": "debian:12", "disk": 8, "target_state": "stopped"}"#
            let both = try await Self.create(
                client, "/api/v0/asks/bulk/", server.key, named: "b", bulk, .post
            ).decoded(BulkCreateReply.self)
            #expect(Set(both.created).count == 2, "one call's equal instances are as many")
            let launch = #"{"q": {"rentable": {"eq": true}}, "image": "debian:12", "disk": 8}"#
            let last = try await Self.create(
                client, "/api/v0/launch_instance/", server.key, named: "c", launch)
            #expect(try last.decoded(CreateInstanceReply.self).success)

            let none = try await Self.create(
                client, "/api/v0/launch_instance/", server.key, named: "d", launch)
            #expect(try none.decoded(ChangeReply.self).success == false)
            let again = try await Self.create(
                client, "/api/v0/launch_instance/", server.key, named: "c", launch)
            #expect(again.text == last.text)
            let mismatch = try await Self.create(
                client, "/api/v0/asks/bulk/", server.key, named: "b",
                bulk.replacingOccurrences(of: "debian:12", with: "debian:13"), .post)
            #expect(mismatch.status == .unprocessableContent)
            let bulkAgain = try await Self.create(
                client, "/api/v0/asks/bulk/", server.key, named: "b", bulk, .post)
            #expect(try bulkAgain.decoded(BulkCreateReply.self).created == both.created)
            #expect(try await server.store.instances(account: 1).count == 4)
        }
    }

    @Test func `an order whose answer was lost is the same when it comes again, once`()
        async throws
    {
        // It comes again within seconds: time stands still.
        try await LifecycleRouteTests.withMachine(time: WallTime { 1000 }) { server, client, _ in
            let (path, offer) = try await Self.path(client)
            let create = server.parts.create
            let principal = try #require(
                try await server.store.principal(
                    keyDigest: SecretDigest(of: server.key), at: server.parts.time.now()))
            let request = InstanceRequest(
                image: "debian:12", program: .shell(script: ""), diskGB: 8, state: .stopped,
                runtype: "args")
            let route = try #require(
                AccountRoute.route(method: "PUT", path: "/api/v0/asks/{id}"))
            let call = CreationCall(bytes: Array("ask \(offer)\n\(Self.body)".utf8))
            let made = try await create(
                request, on: offer, as: principal, through: route, for: call)
            let meanwhile = try await Self.create(client, path, server.key)
                .decoded(CreateInstanceReply.self)
            #expect(
                meanwhile.newContract != made.instance.id,
                "while the first is being answered, an equal one is another")

            create.answerGotLost([made.instance.id])
            let again = try await Self.create(client, path, server.key)
                .decoded(CreateInstanceReply.self)
            #expect(again.newContract == made.instance.id)
            #expect(again.instanceKey == made.key)
            let later = try await Self.create(client, path, server.key)
                .decoded(CreateInstanceReply.self)
            #expect(![made.instance.id, meanwhile.newContract].contains(later.newContract))
        }
    }

    @Test func `what it was made from may be gone when it comes again`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            let (path, offer) = try await Self.path(client)
            let template = try await client.send(
                .post, "/api/v0/template/", key: server.key,
                json: #"{"name": "t", "image": "debian:12", "recommended_disk_space": 8}"#)
            let hash = try #require(
                template.decoded([String: JSONValue].self)["template"]?.object?["hash_id"]?.string)
            let orders = [
                (path, #"{"template_hash_id": "\#(hash)"}"#, HTTPRequest.Method.put),
                ("/api/v0/launch_instance/", #"{"template_hash_id": "\#(hash)", "q": {}}"#, .put),
                (
                    "/api/v0/asks/bulk/",
                    #"{"template_hash_id": "\#(hash)", "ids": [\#(offer)], "target_state": "stopped"}"#,
                    .post
                ),
            ]
            var answers: [TestResponse] = []
            for (index, (path, body, method)) in orders.enumerated() {
                answers.append(
                    try await Self.create(client, path, server.key, named: "\(index)", body, method)
                )
                #expect(answers[index].status == .ok, "\(answers[index].text)")
            }
            let deleted = try await client.send(
                .delete, "/api/v0/template/", key: server.key, json: #"{"hash_id": "\#(hash)"}"#)
            #expect(deleted.status == .ok, "\(deleted.text)")
            for (index, (path, body, method)) in orders.enumerated() {
                let again = try await Self.create(
                    client, path, server.key, named: "\(index)", body, method)
                #expect(again.status == .ok, "\(again.text)")
                let former = try answers[index].decoded([String: JSONValue].self)
                let now = try again.decoded([String: JSONValue].self)
                #expect(now["new_contract"] == former["new_contract"])
                #expect(now["created"] == former["created"])
            }
        }
    }
}
