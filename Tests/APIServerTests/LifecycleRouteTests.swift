import AgentLink
import AgentSimulator
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import StoreConformance
import Testing
import VastAPI

/// Offers, and instances made on them, changed and ended (contract 3.5, 4, 5).
@Suite struct LifecycleRouteTests {
    /// A server whose machine has told what it has, and is connected; gives the machine's orders, too.
    static func withMachine(
        slots: Int = 8, diskFreeGB: Double = 200, time: WallTime = .system,
        _ body:
            @escaping @Sendable (TestServer, any TestClientProtocol, Orders) async throws -> Void
    ) async throws {
        try await TestServer.with(time: time) { server, client in
            try await server.agent.tell(.machine(.sample(slots: slots, diskFreeGB: diskFreeGB)))
            let orders = Orders()
            try await server.withAgent(wanted: orders.take, answer: TestServer.succeed) {
                try await body(server, client, orders)
            }
        }
    }

    /// What the machine was told, in order.
    actor Orders {
        private var messages: [ServerMessage] = []
        private var waiting: [(Int, CheckedContinuation<ServerMessage, Never>)] = []

        nonisolated var take: @Sendable (ServerMessage) async -> Void {
            { await self.append($0) }
        }

        private func append(_ message: ServerMessage) {
            messages.append(message)
            for (index, waiter) in waiting where index == messages.count - 1 {
                waiter.resume(returning: message)
            }
            waiting.removeAll { $0.0 < messages.count }
        }

        /// The order of that number, from 0 on, once it has come.
        func order(_ index: Int) async -> ServerMessage {
            if index < messages.count { return messages[index] }
            return await withCheckedContinuation { waiting.append((index, $0)) }
        }
    }

    static func offers(_ client: any TestClientProtocol, _ query: String = "{}") async throws
        -> [[String: JSONValue]]
    {
        let response = try await client.send(.post, "/api/v0/bundles/", json: query)
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == "application/json")
        return try response.decoded(OffersReply.self).offers
    }

    @Test func `the default query of the official client finds the machine`() async throws {
        try await Self.withMachine { _, client, _ in
            let query = """
                {"verified": {"eq": true}, "external": {"eq": false}, "rentable": {"eq": true}, "rented": {"eq": false},
                 "num_gpus": {"gte": "2"}, "gpu_ram": {"gte": 24000.0}, "disk_space": {"gte": "16.0"},
                 "gpu_name": {"eq": "A100"}, "order": [["dlperf_per_dphtotal", "desc"]], "type": "on-demand",
                 "limit": 3, "allocated_storage": 5.0}
                """
            let found = try await Self.offers(client, query)
            #expect(found.map { $0["num_gpus"] } == [.int(2)])
            for name in [
                "cuda_max_good", "pcie_bw", "cpu_ghz", "dlperf", "score", "inet_up", "duration",
                "reliability", "dph_total", "dlperf_per_dphtotal", "cpu_cores_effective",
            ] {
                let value = try #require(found[0][name])
                #expect(value == .null || value.number != nil, "\(name)")
                if case .string = value { Issue.record("\(name) is a string") }
            }
            #expect(
                try await Self.offers(client, #"{"gpu_name": {"in": ["RTX_4090", "H100"]}}"#)
                    .isEmpty)
            #expect(try await Self.offers(client, #"{"type": "bid"}"#).isEmpty)
            #expect(try await Self.offers(client, #"{"compute_cap": {"gte": "700"}}"#).isEmpty)
            #expect(try await Self.offers(client, #"{"limit": "1"}"#).count == 1)
        }
    }

    @Test(arguments: [
        #"{"nothing": {"eq": 1}}"#, #"{"num_gpus": {"about": 1}}"#, #"{"limit": "few"}"#,
        #"{"order": 7}"#, #"{"order": [[1]]}"#,
    ])
    func `a query that means nothing says so`(query: String) async throws {
        try await Self.withMachine { _, client, _ in
            let response = try await client.send(.post, "/api/v0/bundles/", json: query)
            #expect(response.status == .badRequest)
            #expect(try response.decoded(ErrorReply.self).error == "invalid_request")
        }
    }

    @Test func `all three ways of searching find the same`() async throws {
        try await Self.withMachine { _, client, _ in
            let expected = try await Self.offers(client, #"{"num_gpus": {"eq": 1}}"#)
            let put = try await client.send(
                .put, "/api/v0/search/asks/",
                json: #"{"select_cols": ["*"], "q": {"num_gpus": {"eq": 1}}}"#)
            #expect(try put.decoded(OffersReply.self).offers == expected)
            let get = try await client.send(
                .get, "/api/v0/bundles/?q=%7B%22num_gpus%22%3A%7B%22eq%22%3A1%7D%7D")
            #expect(try get.decoded(OffersReply.self).offers == expected)
            #expect(expected.count == 1)
        }
    }

    @Test func `a create becomes an order with what was asked for`() async throws {
        try await Self.withMachine { server, client, orders in
            let offer = try #require(try await Self.offers(client).first?["id"]?.number)
            let options = [
                #""-e FOO='bar baz' -p 8080:8080 -p 70000:70000/udp -h box -v data:/data""#,
                #"{"FOO": "bar baz", "-p 8080:8080": "1", "-p 70000:70000/udp": "1", "-h": "box", "-v data:/data": "1"}"#,
            ]
            for (index, env) in options.enumerated() {
                let made = try await client.send(
                    .put, "/api/v0/asks/\(Int(offer))/", key: server.key,
                    json: """
                        {"client_id": "me", "image": "debian:12", "disk": 10, "runtype": "ssh_direc ssh_proxy",
                         "onstart": "echo hi", "label": "my box", "price": null, "template_hash_id": null, "force": false,
                         "cancel_unavail": false, "args": null, "image_login": "-u me -p secret registry.example",
                         "env": \(env)}
                        """)
                #expect(made.status == .ok)
                let reply = try made.decoded(CreateInstanceReply.self)
                #expect(reply.success)
                guard case .wantInstance(let order) = await orders.order(index * 2) else {
                    Issue.record("another order")
                    return
                }
                #expect(order.instanceID == reply.newContract)
                #expect(order.state == .running)
                let specification = try #require(order.specification)
                #expect(specification.image == "debian:12")
                #expect(specification.login?.password == "secret")
                #expect(specification.program == .shell(script: "echo hi"))
                #expect(
                    specification.environment
                        == [["FOO", "bar baz"], ["CONTAINER_API_KEY", reply.instanceKey]])
                #expect(
                    Set(specification.ports)
                        == [
                            .init(number: 8080, transport: "tcp", hostPort: nil),
                            .init(number: 70_000, transport: "udp", hostPort: nil),
                        ])
                #expect(specification.hostname == "box")
                #expect(specification.volumes.map(\.path) == ["/data"])
                #expect(specification.hasSSH)
                #expect(specification.owner == "maria")

                let shown = try await client.send(
                    .get, APIPath.instance(reply.newContract), key: reply.instanceKey)
                let row = try #require(try shown.decoded(InstanceReply.self).instances)
                #expect(row["actual_status"] == .null, "nobody has begun")
                #expect(row["label"] == .string("my box"))
                #expect(row["disk_space"] == .double(10) || row["disk_space"] == .int(10))
                let foreign = try await client.send(
                    .get, APIPath.instance(server.instance), key: reply.instanceKey)
                #expect(foreign.text == #"{"instances":null}"#, "its own key is for it alone")
                let gone = try await client.send(
                    .delete, APIPath.instance(reply.newContract), key: reply.instanceKey, json: "{}"
                )
                #expect(gone.status == .ok)
            }
        }
    }

    @Test(arguments: [
        (#"{}"#, "invalid_args"), (#"{"image": ""}"#, "invalid_args"),
        (#"{"image": "a b"}"#, "invalid_args"),
        (#"{"image": "a", "disk": "much"}"#, "invalid_args"),
        (#"{"image": "a", "runtype": "vm"}"#, "invalid_args"),
        (#"{"image": "a", "price": 0.5}"#, "invalid_price"),
        (#"{"image": "a", "vm": true}"#, "invalid_args"),
        (#"{"image": "a", "template_hash_id": "x"}"#, "invalid_args"),
        (#"{"image": "a", "env": {"-v /etc:/x": "1"}}"#, "invalid_args"),
        (#"{"image": "a", "env": {"-v ../x:/x": "1"}}"#, "invalid_args"),
        (#"{"image": "a", "env": "--privileged x"}"#, "invalid_args"),
        (#"{"image": "a", "env": {"--network host": "1"}}"#, "invalid_args"),
        (#"{"image": "a", "env": ["A=1"]}"#, "invalid_args"),
        (#"{"image": "a", "runtype": "ssh", "args": ["x"]}"#, "invalid_args"),
        (#"{"image": "a", "runtype": "args", "onstart": "sh '"}"#, "invalid_args"),
        (#"{"image": "a", "image_login": "-u me"}"#, "invalid_args"),
        (#"{"image": "a", "target_state": "asleep"}"#, "invalid_args"),
        (#"{"image": "a", "runtype": "ssh", "use_ssh": true}"#, "invalid_args"),
    ])
    func `what cannot be made is refused with a reason`(body: String, error: String) async throws {
        try await Self.withMachine { server, client, _ in
            let offer = try #require(try await Self.offers(client).first?["id"]?.number)
            let response = try await client.send(
                .put, "/api/v0/asks/\(Int(offer))/", key: server.key, json: body)
            #expect(response.status == .badRequest)
            let reply = try response.decoded(ErrorReply.self)
            #expect(reply.error == error)
            #expect(!reply.msg.isEmpty)
        }
    }

    @Test func `an offer that is gone is 404, or 410 for those who want nothing later`()
        async throws
    {
        try await Self.withMachine(slots: 1) { server, client, _ in
            let offer = Int(try #require(try await Self.offers(client).first?["id"]?.number))
            for (json, status) in [
                (#"{"image": "a"}"#, HTTPResponse.Status.notFound),
                (#"{"image": "a", "cancel_unavail": true}"#, .gone),
            ] {
                let none = try await client.send(
                    .put, "/api/v0/asks/99999/", key: server.key, json: json)
                #expect(none.status == status)
                #expect(try none.decoded(ErrorReply.self).error == "no_such_ask")
            }
            let first = try await client.send(
                .post, "/api/v0/asks/\(offer)/", key: server.key, json: #"{"image": "a"}"#)
            #expect(first.status == .ok)
            let second = try await client.send(
                .put, "/api/v0/asks/\(offer)/", key: server.key, json: #"{"image": "a"}"#)
            #expect(second.status == .notFound)
            #expect(
                try await Self.offers(client, #"{"rentable": {"eq": true}}"#).isEmpty,
                "what is taken is not offered")
            let launched = try await client.send(
                .put, "/api/v0/launch_instance/", key: server.key,
                json: #"{"image": "a", "q": {"rentable": {"eq": true}}}"#)
            #expect(launched.status == .ok)
            #expect(launched.text.contains("offer_not_found"))
        }
    }

    @Test func `changes are idempotent, single and in bulk`() async throws {
        try await Self.withMachine { server, client, orders in
            let offer = Int(try #require(try await Self.offers(client).first?["id"]?.number))
            let made = try await client.send(
                .post, "/api/v0/asks/bulk/", key: server.key,
                json: #"{"image": "a", "ids": [\#(offer), 99999, \#(offer)]}"#)
            #expect(made.status == .ok)
            let reply = try made.decoded(BulkCreateReply.self)
            #expect(reply.created.count == 2)
            #expect(reply.failed == [99_999])
            let (one, other) = (reply.created[0], reply.created[1])
            // A machine hears how an instance is wished when it comes to hear of it, and not how it was before.
            _ = await orders.order(1)
            for index in 2..<4 {
                let stop = try await client.send(
                    .put, APIPath.instance(one), key: server.key, json: #"{"state": "stopped"}"#)
                #expect(stop.text == #"{"success":true}"#)
                _ = await orders.order(index)
            }
            let start = try await client.send(
                .put, APIPath.instances, key: server.key,
                json: #"{"state": "running", "ids": [\#(one), \#(other), 99999]}"#)
            #expect(start.text == #"{"success":true}"#)
            _ = await orders.order(5)
            let label = try await client.send(
                .put, APIPath.instance(one), key: server.key, json: #"{"label": "né"}"#)
            #expect(label.text == #"{"success":true}"#)
            let destroyed = try await client.send(
                .delete, APIPath.instances, key: server.key,
                json: #"{"instance_ids": [\#(one), \#(other)]}"#)
            #expect(destroyed.text == #"{"success":true}"#)
            let again = try await client.send(
                .delete, APIPath.instances, key: server.key,
                json: #"{"instance_ids": [\#(one), \#(other)]}"#)
            #expect(again.text == #"{"success":true}"#, "gone already is as wished")
            let single = try await client.send(
                .delete, APIPath.instance(one), key: server.key, json: "{}")
            #expect(single.status == .notFound)
            #expect(try single.decoded(ErrorReply.self).error == "no_such_instance")
            var states: [InstanceOrder.State] = []
            for index in 0..<8 {
                guard case .wantInstance(let order) = await orders.order(index) else { continue }
                if order.instanceID == one { states.append(order.state) }
            }
            #expect(states == [.running, .stopped, .stopped, .running, .gone])
        }
    }

    @Test(arguments: [
        (HTTPRequest.Method.put, #"{"state": "asleep"}"#, 400, "Invalid target state"),
        (.put, #"{}"#, 400, "Send either state or label."),
        (
            .put, #"{"label": "\#(String(repeating: "x", count: 1025))"}"#, 400,
            "A label has at most 1024 characters."
        ),
    ])
    func `what no instance can become is said in upstream's words`(
        method: HTTPRequest.Method, body: String, status: Int, message: String
    ) async throws {
        try await Self.withMachine { server, client, _ in
            let response = try await client.send(
                method, APIPath.instance(server.instance), key: server.key, json: body)
            #expect(response.status.code == status)
            #expect(try response.decoded(ErrorReply.self).msg == message)
            let foreign = try await client.send(
                .put, APIPath.instance(server.otherInstance), key: server.key,
                json: #"{"state": "stopped"}"#)
            #expect(foreign.status == .notFound)
        }
    }

    @Test func `lists of ids are bounded, and one that names nothing says so`() async throws {
        try await Self.withMachine { server, client, _ in
            let many = (1...65).map(String.init).joined(separator: ",")
            for (json, status, message) in [
                (#"{"state": "running"}"#, 400, "ids list required"),
                (#"{"state": "running", "ids": [\#(many)]}"#, 400, "chunk length of 65 > 64"),
                (#"{"state": "running", "ids": [99999]}"#, 404, "Invalid instance ID list ids."),
            ] {
                let response = try await client.send(
                    .put, APIPath.instances, key: server.key, json: json)
                #expect(response.status.code == status)
                #expect(try response.decoded(ErrorReply.self).msg == message)
            }
            let none = try await client.send(
                .delete, APIPath.instances, key: server.key, json: #"{"instance_ids": [99999]}"#)
            #expect(try none.decoded(ErrorReply.self).error == "instances_not_found")
            let empty = try await client.send(
                .delete, APIPath.instances, key: server.key, json: "{}")
            #expect(try empty.decoded(ErrorReply.self).msg == "instance_ids array is required")
        }
    }

    @Test func `reboot and recycle of what cannot be so are upstream's 200 that is none`()
        async throws
    {
        try await Self.withMachine { server, client, orders in
            try await server.agent.tell(
                .instanceChanged(.sample("c1", owner: "maria", status: "exited")))
            let path = "/api/v0/instances/reboot/\(server.instance)/"
            let stopped = try await client.send(.put, path, key: server.key, json: "{}")
            #expect(stopped.status == .ok)
            let reply = try stopped.decoded(ChangeReply.self)
            #expect(!reply.success)
            #expect(reply.error == "invalid_id")
            try await server.agent.tell(
                .instanceChanged(.sample("c1", owner: "maria", status: "running")))
            let running = try await client.send(.put, path, key: server.key, json: "{}")
            #expect(try running.decoded(ChangeReply.self).success)
            guard case .restartInstance(let order) = await orders.order(0) else {
                Issue.record("another order")
                return
            }
            #expect(order.containerID == "c1")
        }
    }

    @Test(arguments: ["writes", "paths", "commands", "budget"])
    func `a key that is bound inside of instances changes none as a whole`(kind: String)
        async throws
    {
        try await Self.withMachine { server, client, _ in
            let scope =
                switch kind {
                case "writes": KeyScope(writes: false)
                case "paths": KeyScope(paths: ["/tmp"])
                case "commands": KeyScope(commands: ["vast/ls"])
                default: KeyScope(deletionBudget: DeletionBudget(entries: 1, bytes: 1))
                }
            let secret = Secret()
            let account = try #require(try await server.store.accounts().first)
            _ = try await server.store.addKey(
                secret.digest, name: kind, account: account.id, scope: scope, at: 1)
            for (method, path, json) in [
                (HTTPRequest.Method.delete, APIPath.instance(server.instance), "{}"),
                (.put, APIPath.instance(server.instance), #"{"state": "stopped"}"#),
                (.put, "/api/v0/instances/recycle/\(server.instance)/", "{}"),
                (.put, "/api/v0/asks/1/", #"{"image": "a"}"#),
                (.put, "/api/v0/launch_instance/", #"{"image": "a", "q": {}}"#),
                (.delete, APIPath.instances, #"{"instance_ids": [\#(server.instance)]}"#),
            ] {
                let response = try await client.send(method, path, key: secret.text, json: json)
                #expect(response.status == .forbidden, "\(method) \(path)")
            }
            let allowed = try await client.send(
                .get, APIPath.instance(server.instance), key: secret.text)
            #expect(allowed.status == .ok)
        }
    }

    @Test func `machines are shown with the types that clients format`() async throws {
        try await Self.withMachine { server, client, _ in
            let list = try await client.send(.get, "/api/v0/machines?owner=me", key: server.key)
            let row = try #require(
                try list.decoded(JSONValue.self).object?["machines"]?.array?.first?.object)
            #expect(row["hostname"] == .string("m"))
            #expect(row["num_gpus"] == .int(2))
            #expect(row["gpu_occupancy"] == .string("x x"))
            let one = try await client.send(
                .get, "/api/v0/machines/\(server.machine.id)?owner=me", key: server.key)
            #expect(try one.decoded(JSONValue.self).array?.first?.object == row)
            let none = try await client.send(.get, "/api/v0/machines/99", key: server.key)
            #expect(none.status == .notFound)
        }
    }
}
